//! Gradients of linear layers, and of biases of any layer.

use super::params::Lanes;
use super::tiling::Tiling;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Gradient of the input.
pub static LINEAR_GRAD_INPUT: Kernel =
    Kernel::new::<InputParams>("linear_grad_input", reference::linear_grad::linear_grad_input);

/// Gradient of the weight.
pub static LINEAR_GRAD_WEIGHT: Kernel =
    Kernel::new::<WeightParams>("linear_grad_weight", reference::linear_grad::linear_grad_weight);

/// Gradient of a bias.
pub static BIAS_GRAD: Kernel = Kernel::new::<BiasParams>("bias_grad", reference::linear_grad::bias_grad);

params! {
    /// Uniform block of `linear_grad_input`.
    pub struct InputParams {
        /// Input features.
        pub inputs: u32,
        /// Output features.
        pub outputs: u32,
        /// Flat index of the weight `[outputs][inputs]`.
        pub weight_offset: u32,
    }
}

params! {
    /// Uniform block of `linear_grad_weight`.
    pub struct WeightParams {
        /// Input features.
        pub inputs: u32,
        /// Output features.
        pub outputs: u32,
        /// Flat index of the weight `[outputs][inputs]`.
        pub weight_offset: u32,
        /// 1: the layer's input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`.
        pub from_batch: u32,
        /// 1: the sum goes on from what is there.
        pub accumulate: u32,
    }
}

params! {
    /// Uniform block of `bias_grad`.
    pub struct BiasParams {
        /// Output features or channels.
        pub outputs: u32,
        /// Pixels of a channel; 1 for linear layers.
        pub spatial: u32,
        /// Flat index of the bias.
        pub bias_offset: u32,
        /// 1: the sum goes on from what is there.
        pub accumulate: u32,
    }
}

fn quads(multiples: u32) -> u32 {
    u32::from(multiples.is_multiple_of(4))
}

/// Records `dx = dy W`: `dy` `[rows][outputs]`, `dx` `[rows][inputs]`.
pub fn record_input(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &InputParams,
    weights: Span,
    dy: Span,
    dx: Span,
) {
    let tiling = tiling.in_quads().for_rows(lanes.max_rows);
    let variant = tiling
        .variant()
        .with("WEIGHT_QUADS", quads(params.weight_offset | params.inputs))
        .with("INPUT_QUADS", quads(params.outputs));
    let grid = lanes.grid(params.inputs.div_ceil(tiling.tile_columns()), lanes.max_rows.div_ceil(tiling.tile_rows()));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&LINEAR_GRAD_INPUT, variant, params, &[lanes.table, weights, dy, dx], grid, cost);
}

/// Records `dW = dy^T x` into the lanes' gradients: `x` `[rows][inputs]`, `dy` `[rows][outputs]`.
pub fn record_weight(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &WeightParams,
    x: Span,
    dy: Span,
    gradients: Span,
) {
    let tiling = tiling.in_quads().for_rows(params.outputs);
    let variant = tiling.variant().with("DY_QUADS", quads(params.outputs)).with("INPUT_QUADS", quads(params.inputs));
    let grid = lanes.grid(params.inputs.div_ceil(tiling.tile_columns()), params.outputs.div_ceil(tiling.tile_rows()));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&LINEAR_GRAD_WEIGHT, variant, params, &[lanes.table, dy, x, gradients], grid, cost);
}

/// Records the sum of `dy` over rows and pixels into the lanes' gradients.
pub fn record_bias(rec: &mut Recording, lanes: &Lanes, params: &BiasParams, dy: Span, gradients: Span) {
    let flat = params.spatial == 1;
    let groups = if flat { params.outputs.div_ceil(256) } else { params.outputs };
    let row = if flat { params.outputs } else { params.spatial };
    let variant = Variant::plain().with("FLAT", u32::from(flat)).with("DY_QUADS", quads(row));
    let cost = lanes.rows * u64::from(params.outputs) * u64::from(params.spatial);
    rec.dispatch(&BIAS_GRAD, variant, params, &[lanes.table, dy, gradients], lanes.grid(groups, 1), cost);
}
