//! Linear layers, forward.

use super::params::Lanes;
use super::tiling::{Operands, Product};
use crate::recording::kernel::{Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("linear", crate::reference::linear::linear);

/// No activation.
pub const NONE: u32 = 0;
/// max(0, v).
pub const RELU: u32 = 1;
/// The exact gelu, v / 2 (1 + erf(v / sqrt 2)).
pub const GELU: u32 = 2;

params! {
    /// The uniform block.
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
        /// What follows: [`NONE`], [`RELU`] or [`GELU`].
        pub activation: u32,
    }
}

/// Records `y = act(W x + b)` for all rows of a chunk: `x` `[rows, inputs]`, `y` `[rows, outputs]`. A residual, rows laid out as
/// those of `y`, is added; only where there is no activation.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    params: &Params,
    io: &Operands,
    residual: Option<Span>,
) {
    let tiling = how.tiling.for_rows(params.outputs);
    let quads = |aligned: bool| u32::from(aligned);
    let variant = how
        .variant(tiling, params.inputs)
        .with("WEIGHT_QUADS", quads((params.weight_offset | params.inputs).is_multiple_of(4)))
        .with("INPUT_QUADS", quads(params.inputs.is_multiple_of(4)))
        .with("ACTIVATION", params.activation)
        .with("RESIDUAL", u32::from(residual.is_some() && params.activation == NONE));
    let grid =
        [params.outputs.div_ceil(tiling.tile_rows()), lanes.max_rows.div_ceil(tiling.tile_columns()), lanes.count];
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    // Something must be bound; what isn't added isn't read.
    let bound = [lanes.table, io.weights, io.x, io.y, residual.unwrap_or(io.x)];
    rec.dispatch(&KERNEL, variant, params, &bound, grid, cost);
}
