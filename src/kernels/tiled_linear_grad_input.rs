//! Gradients of linear layers' inputs, by tiles in workgroup memory.

use super::lib::Case;
use super::lib::params::Lanes;
use super::lib::tiling::{Gradient, quads};
use super::lib::way::{BLOCKS, Block, Way, with_quads};
use super::linear_grad_input::{Params, SIZES, case, twin};
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};
use crate::shaders::QUADS;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tiled_linear_grad_input", twin)
    .with_defines(&[QUADS])
    .with_speed(&["WEIGHT_QUADS", "INPUT_QUADS"]);

/// As [`super::linear_grad_input::record`].
pub fn record(rec: &mut Recording, lanes: &Lanes, block: &Block, params: &Params, weights: Span, dy: Span, dx: Span) {
    let variant = with_quads(block.variant(), QUADS, params.inputs)
        .with("WEIGHT_QUADS", quads(params.weight_offset | params.inputs))
        .with("INPUT_QUADS", quads(params.outputs));
    let grid = lanes.grid(params.inputs.div_ceil(block.columns), lanes.max_rows.div_ceil(block.rows));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, weights, dy, dx], grid, cost);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |(size, block): (_, Block)| {
        let how = move |f: &super::lib::Fixture<'_>| Gradient { tiling: f.tiling(), way: Way::Block(block) };
        case(&format!("tiled_linear_grad_input {block}"), size, how)
    };
    SIZES.into_iter().zip(BLOCKS.into_iter().cycle()).map(of).collect()
}
