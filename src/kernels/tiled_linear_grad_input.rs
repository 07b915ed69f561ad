//! Gradients of linear layers' inputs, by tiles in workgroup memory.

use super::lib::Case;
use super::lib::params::Lanes;
use super::lib::tiles::{Tiles, tiled_defines};
use super::lib::tiling::{Gradient, quads};
use super::lib::way::{Way, in_ways, with_quads};
use super::linear_grad_input::{Params, SIZES, case, twin};
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};
use crate::shaders::QUADS;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tiled_linear_grad_input", twin)
    .with_defines(tiled_defines!(QUADS))
    .with_speed(&["WEIGHT_QUADS", "INPUT_QUADS"]);

/// As [`super::linear_grad_input::record`].
pub fn record(rec: &mut Recording, lanes: &Lanes, tile: &Tiles, params: &Params, weights: Span, dy: Span, dx: Span) {
    let variant = with_quads(tile.variant(), QUADS, params.inputs)
        .with("WEIGHT_QUADS", quads(params.weight_offset | params.inputs))
        .with("INPUT_QUADS", quads(params.outputs));
    let grid = lanes.grid(params.inputs.div_ceil(tile.columns), lanes.max_rows.div_ceil(tile.rows));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, weights, dy, dx], grid, cost);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |(size, way): (_, Way)| {
        let how = move |f: &super::lib::Fixture<'_>| Gradient { tiling: f.tiling(), way: way.on(f.info()) };
        case(&format!("tiled_linear_grad_input {way}"), size, how).by(way, None)
    };
    in_ways(&SIZES).into_iter().map(of).collect()
}
