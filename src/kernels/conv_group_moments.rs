//! Convolutions that leave moments of their output for a group norm.

use super::lib::case::{layout_name, perturbation, product_tolerance};
use super::lib::conv::{self, Launch, Params};
use super::lib::geometry::Geometry;
use super::lib::moments::{Moments, Parts};
use super::lib::params::{ABSENT, Lane};
use super::lib::tiling::{Operands, Product};
use super::lib::{Case, PERTURBED, rounding};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = conv::kernel("conv_group_moments", twin);

/// Records the convolution and the moments of its output, whose parts are `segment` columns a thread.
pub fn record(rec: &mut Recording, launch: Launch, segment: u32, moments: Span) {
    let Launch { variant, uniforms, bound, grid, cost } = launch;
    let bound = [bound.as_slice(), &[moments]].concat();
    rec.dispatch(&KERNEL, variant.with("SEGMENT", segment), &uniforms, &bound, grid, cost);
}

/// The convolution, then the moments of each part: a thread's channels, of its columns those of one segment.
fn twin(call: &Call<'_>) {
    conv::twin(call);
    let g = Geometry::of(call);
    let get = |name| call.variant.get(name, 1) as usize;
    let (members, segment, rows) = (get("MEMBERS"), get("SEGMENT"), get("TILE_O") * get("SHARE"));
    let (channels, pixels) = (g.output[0] as usize, g.pixels() as usize);
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    let (a_row, segments) = (channels * pixels / (rows * segment), pixels / (segment * members));
    for lane in table.iter().take(call.grid[2] as usize) {
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            for (part, to) in parts[row * a_row..][..a_row].iter_mut().enumerate() {
                let (thread, block) = (part % members, part / members);
                let (first, q) = (block / segments * rows, block % segments * segment * members);
                let columns = |o: usize| {
                    (0..segment).map(move |p| row * channels * pixels + g.output_at(o, q + p * members + thread))
                };
                let values: Vec<f32> = (first..first + rows).flat_map(columns).map(|at| y[at]).collect();
                *to = conv::moments(&values);
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let cases = PERTURBED.map(|how| case(how, Layout::ChannelsFirst).fitted(how == Some(Distribution::Rademacher)));
    cases.into_iter().chain([case(Some(Distribution::Rademacher), Layout::ChannelsLast).fitted(true)]).collect()
}

fn case(how: Option<Distribution>, layout: Layout) -> Case {
    let geometry = Geometry { input: [3, 8, 8], output: [64, 8, 8], kernel: 3, stride: 1, padding: 1, layout };
    // The sum of a convolution, its mean over the values, and the squares about it.
    let tolerance = 2.0 * product_tolerance(how, geometry.depth()) + rounding(2 * 128 + 20);
    Case::new(format!("conv_group_moments {}{}", perturbation(how), layout_name(layout)), tolerance, move |f| {
        let rows = [3, 1, 0, 9];
        let stride = (geometry.output[0] * geometry.depth()).next_multiple_of(64);
        let lanes = f.lanes(&rows, stride);
        let values = |shape: [u32; 3]| 13 * shape.iter().product::<u32>() as usize;
        let io = Operands::by_shuffles(
            f.random("weights", rows.len() * stride as usize),
            f.random("x", values(geometry.input)),
            f.blank("y", values(geometry.output)),
        );
        let params = Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 1, relu: 0 };
        let product = Product::by_shuffles(f.best_tiling().without_strips(), how);
        let launch = Launch::new(&lanes, &product, &geometry, &params, &io);
        let mut rec = Recording::new();
        // One group: its parts are whole with every tiling.
        if let Some(Moments { parts: Parts::Groups { segment, .. }, row }) =
            Moments::of_groups(product.tiling, &geometry, 1)
        {
            let moments = f.blank("moments", 13 * row as usize);
            record(&mut rec, launch, segment, moments);
            rec.read_back(moments);
        }
        rec.read_back(io.y);
        rec
    })
}
