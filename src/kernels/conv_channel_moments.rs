//! Convolutions that leave moments of their output for a batch norm.

use super::lib::case::{layout_name, perturbation, product_tolerance};
use super::lib::conv::{self, Launch, Params};
use super::lib::geometry::Geometry;
use super::lib::moments::Moments;
use super::lib::params::{ABSENT, Lane};
use super::lib::tiling::{Operands, Product};
use super::lib::{Case, PERTURBED, rounding};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = conv::kernel("conv_channel_moments", twin);

/// Records the convolution and the moments of its output.
pub fn record(rec: &mut Recording, launch: Launch, moments: Span) {
    let Launch { variant, uniforms, bound, grid, cost } = launch;
    rec.dispatch(&KERNEL, variant, &uniforms, &[bound.as_slice(), &[moments]].concat(), grid, cost);
}

/// The convolution, then the moments of each part: a channel's columns of a tile.
fn twin(call: &Call<'_>) {
    conv::twin(call);
    let g = Geometry::of(call);
    let get = |name| call.variant.get(name, 1) as usize;
    let (channels, pixels, tile) = (g.output[0] as usize, g.pixels() as usize, get("MEMBERS") * get("TILE_Q"));
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    for lane in table.iter().take(call.grid[2] as usize) {
        let (row0, columns) = (lane.row0 as usize, lane.rows as usize * pixels);
        let tiles = columns.div_ceil(tile);
        let own = &mut parts[row0 * pixels.div_ceil(tile) * channels..][..channels * tiles];
        for (part, to) in own.iter_mut().enumerate() {
            let (c, first) = (part / tiles, part % tiles * tile);
            let at = |q: usize| (row0 + q / pixels) * channels * pixels + g.output_at(c, q % pixels);
            let values: Vec<f32> = (first..columns.min(first + tile)).map(|q| y[at(q)]).collect();
            *to = conv::moments(&values);
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let cases = PERTURBED.map(|how| case(how, Layout::ChannelsFirst).fitted(how == Some(Distribution::Rademacher)));
    cases.into_iter().chain([case(Some(Distribution::Rademacher), Layout::ChannelsLast).fitted(true)]).collect()
}

fn case(how: Option<Distribution>, layout: Layout) -> Case {
    let geometry = Geometry { input: [3, 5, 5], output: [7, 5, 5], kernel: 3, stride: 1, padding: 1, layout };
    // The sum of a convolution, its mean over the values, and the squares about it.
    let tolerance = 2.0 * product_tolerance(how, geometry.depth()) + rounding(2 * 128 + 20);
    Case::new(format!("conv_channel_moments {}{}", perturbation(how), layout_name(layout)), tolerance, move |f| {
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
        let product = Product::by_shuffles(f.best_tiling(), how);
        let launch = Launch::new(&lanes, &product, &geometry, &params, &io);
        let mut rec = Recording::new();
        let moments = f.blank("moments", 13 * Moments::of_channels(product.tiling, &geometry).row as usize);
        record(&mut rec, launch, moments);
        rec.read_back(moments);
        rec.read_back(io.y);
        rec
    })
}
