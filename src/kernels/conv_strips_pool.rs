//! Convolutions by strips of pixels whose output is pooled at once: the maximum of each 2 x 2 square.

use super::conv_strips::{geometry, kernel, launch};
use super::lib::case::{perturbation, product_tolerance};
use super::lib::conv::{self, Launch, Uniforms};
use super::lib::geometry::Geometry;
use super::lib::params::Lane;
use super::lib::{Case, PERTURBED};
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel};

/// The kernel.
pub static KERNEL: Kernel = kernel("conv_strips_pool", twin);

/// Records the convolution of all rows of a chunk, and the maxima of its squares, which alone are stored.
pub fn record(rec: &mut Recording, launch: Launch) {
    rec.dispatch(&KERNEL, launch.variant, &launch.uniforms, &launch.bound, launch.grid, launch.cost);
}

/// The convolution, then of each square its maximum, or what is no number.
fn twin(call: &Call<'_>) {
    let g = Geometry::of(call, &call.params::<Uniforms>().sizes);
    let ([channels, height, width], lanes) = (g.output.map(|v| v as usize), call.read::<Lane>(1));
    let rows = lanes.iter().take(call.grid[2] as usize).map(|lane| (lane.row0 + lane.rows) as usize).max().unwrap_or(0);
    let mut whole = vec![0.0; rows * channels * height * width];
    conv::sums(call, &mut whole);
    let (high, wide, mut y) = (height / 2, width / 2, call.write::<f32>(4));
    for lane in lanes.iter().take(call.grid[2] as usize) {
        for plane in lane.row0 as usize * channels..(lane.row0 + lane.rows) as usize * channels {
            for (top, left) in (0..high * wide).map(|i| (i / wide, i % wide)) {
                let corner = plane * height * width + 2 * top * width + 2 * left;
                let square = [corner, corner + 1, corner + width, corner + width + 1].map(|at| whole[at]);
                let larger = |a: f32, b: &f32| if *b > a || b.is_nan() { *b } else { a };
                y[plane * high * wide + top * wide + left] = square.iter().fold(square[0], larger);
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let all = PERTURBED.map(|how| (how, [3, 7, 11], 13, 3));
    all.into_iter()
        .chain([(None, [2, 8, 8], 9, 5)])
        .map(|(how, input, out_c, kernel)| {
            let g = geometry(input, out_c, kernel, 1);
            let name = format!("conv_strips_pool {} {input:?} to {out_c} kernel {kernel}", perturbation(how));
            Case::new(name, product_tolerance(how, g.depth()), move |f| {
                let mut rec = Recording::new();
                if let (io, _, Some(launch)) = launch(f, how, &g, 1, 1, true) {
                    record(&mut rec, launch);
                    rec.read_back(io.y);
                }
                rec
            })
        })
        .collect()
}
