//! Convolutions by strips of pixels that leave moments of their output for a group norm.

use super::conv_strips::{geometry, kernel, launch};
use super::lib::case::{perturbation, product_tolerance};
use super::lib::conv::{self, Launch, Uniforms};
use super::lib::geometry::Geometry;
use super::lib::params::Lane;
use super::lib::strips::Strips;
use super::lib::{Case, PERTURBED, rounding};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = kernel("conv_strips_moments", twin);

/// Records the convolution and the moments of its output, a thread's each.
pub fn record(rec: &mut Recording, launch: Launch, moments: Span) {
    let Launch { variant, uniforms, bound, grid, cost } = launch;
    let bound = [bound.as_slice(), &[moments]].concat();
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, grid, cost);
}

/// The convolution, then the moments of each part: a team's channels, and of these a thread's strips.
fn twin(call: &Call<'_>) {
    conv::twin(call);
    let g = Geometry::of(call, &call.params::<Uniforms>().sizes);
    let get = |name| call.variant.get(name, 1) as usize;
    let (team, strips) = (get("TILE_O") * get("SHARE"), get("STRIPS"));
    let [channels, height, width] = g.output.map(|v| v as usize);
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    let (across, a_team) = (width / 4, height / strips * (width / 4));
    for lane in table.iter().take(call.grid[2] as usize) {
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            let a_row = channels / team * a_team;
            for (part, to) in parts[row * a_row..][..a_row].iter_mut().enumerate() {
                let (first, strip) = (part / a_team * team, part % a_team);
                let (top, left) = (strip / across * strips, strip % across * 4);
                let at = |o: usize, i: usize| ((row * channels + o) * height + top + i / 4) * width + left + i % 4;
                let of_channel = |o: usize| (0..strips * 4).map(move |i| at(o, i));
                let values: Vec<f32> = (first..first + team).flat_map(of_channel).map(|at| y[at]).collect();
                *to = conv::moments(&values);
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |how: Option<Distribution>| {
        let g = geometry([3, 8, 8], 16, 3, 1);
        // The sum of a convolution, its mean over the values, and the squares about it.
        let tolerance = 2.0 * product_tolerance(how, g.depth()) + rounding(2 * 256 + 20);
        Case::new(format!("conv_strips_moments {}", perturbation(how)), tolerance, move |f| {
            let mut rec = Recording::new();
            let (io, lanes, launch) = launch(f, how, &g, 1, 0, false);
            let moments = Strips::fitting(f.best_tiling(), &g).and_then(|strips| strips.moments(&g, 1));
            if let (Some(launch), Some(moments)) = (launch, moments) {
                let left = f.blank("moments", (lanes.rows as u32 * moments.row) as usize);
                record(&mut rec, launch, left);
                rec.read_back(left);
                rec.read_back(io.y);
            }
            rec
        })
    };
    PERTURBED.map(of).into()
}
