//! Gradients of linear layers' weights, by tiles in workgroup memory.

use super::lib::Case;
use super::lib::params::Lanes;
use super::lib::parts::{Split, Sum, Target, Tensors};
use super::lib::tiling::{Gradient, quads};
use super::lib::way::{BLOCKS, Block, Way};
use super::linear_grad_input::SIZES;
use super::linear_grad_weight::{Params, Uniforms, case, twin};
use super::part_sums;
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("tiled_linear_grad_weight", twin).with_speed(&["DY_QUADS", "INPUT_QUADS"]);

fn tiles(params: &Params, block: &Block) -> [u32; 2] {
    [params.inputs.div_ceil(block.columns), params.outputs.div_ceil(block.rows)]
}

/// How the sum is split for lanes of `sample_rows` rows a sample.
pub fn split(params: &Params, block: &Block, sample_rows: u32) -> Option<Split> {
    Sum::in_tiles(tiles(params, block), block, sample_rows, 1).splitting()
}

/// As [`super::linear_grad_weight::record`].
pub fn record(rec: &mut Recording, lanes: &Lanes, block: &Block, params: &Params, x: Span, dy: Span, target: &Target) {
    let split = split(params, block, lanes.sample_rows);
    let Params { inputs, outputs, from_batch, .. } = *params;
    let variant = block.variant().with("DY_QUADS", quads(outputs)).with("INPUT_QUADS", quads(inputs));
    let [columns, rows] = tiles(params, block);
    let tensors = Tensors::one(params.weight_offset, inputs * outputs);
    let cost = 2 * lanes.rows * u64::from(inputs) * u64::from(outputs);
    part_sums::record(rec, lanes, split, 1, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (cut, weight_offset, accumulate) = (launch.cut, tensors.first.0, launch.accumulate);
        let uniforms = Uniforms { cut, inputs, outputs, weight_offset, from_batch, accumulate };
        let bound = [lanes.table, dy, x, launch.sums];
        rec.dispatch(&KERNEL, variant.clone(), &uniforms, &bound, [columns, rows, launch.layers], launch.cost);
    });
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, block) in SIZES.into_iter().zip(BLOCKS.into_iter().cycle()) {
        for from_batch in [0, 1] {
            let how = move |f: &super::lib::Fixture<'_>| Gradient { tiling: f.tiling(), way: Way::Block(block) };
            cases.push(case(&format!("tiled_linear_grad_weight {block}"), size, from_batch, how));
        }
    }
    cases
}
