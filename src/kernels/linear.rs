//! Linear layers, forward.

use bytemuck::{Pod, Zeroable};

use super::Kernel;
use super::params::{Lanes, perturb};
use super::tiling::{Operands, Product};
use crate::plan::Recording;

/// The kernel.
pub static KERNEL: Kernel = Kernel { name: "linear", twin: crate::reference::linear::linear };

/// The uniform block.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Inputs.
    pub inputs: u32,
    /// Outputs.
    pub outputs: u32,
    /// Flat index of the weight `[outputs, inputs]`.
    pub weight_offset: u32,
    /// Flat index of the bias; `u32::MAX`: none.
    pub bias_offset: u32,
    /// 1: inputs are the batch (`x_row`), 0: an activation (`row0`).
    pub from_batch: u32,
    /// 1: ReLU follows.
    pub relu: u32,
}

/// Records `y = act(W x + b)` for all rows of a chunk: `x` `[rows, inputs]`, `y` `[rows, outputs]`.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: &Product, params: &Params, io: &Operands) {
    let tiling = how.tiling.for_rows(params.outputs);
    let quads = |aligned: bool| u32::from(aligned);
    let variant = tiling
        .variant()
        .with("PERTURB", perturb(how.perturbed))
        .with("WEIGHT_QUADS", quads((params.weight_offset | params.inputs).is_multiple_of(4)))
        .with("INPUT_QUADS", quads(params.inputs.is_multiple_of(4)));
    let grid =
        [params.outputs.div_ceil(tiling.tile_rows()), lanes.max_rows.div_ceil(tiling.tile_columns()), lanes.count];
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, io.weights, io.x, io.y], grid, cost);
}
