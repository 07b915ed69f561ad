//! Gradients of convolutions.

use bytemuck::{Pod, Zeroable};

use super::params::Lanes;
use super::{Kernel, Variant};
use crate::plan::{Recording, Span};
use crate::reference;

/// Gradient of the input.
pub static CONV_GRAD_INPUT: Kernel = Kernel { name: "conv_grad_input", twin: reference::conv_grad::conv_grad_input };

/// Gradient of the weight.
pub static CONV_GRAD_WEIGHT: Kernel = Kernel { name: "conv_grad_weight", twin: reference::conv_grad::conv_grad_weight };

/// Uniform block of both kernels: the layer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Input channels.
    pub c: u32,
    /// Input rows.
    pub h: u32,
    /// Input columns.
    pub w: u32,
    /// Output channels.
    pub out_c: u32,
    /// Output rows, (h + 2 padding - kernel) / stride + 1.
    pub out_h: u32,
    /// Output columns.
    pub out_w: u32,
    /// Rows and columns of the window.
    pub kernel: u32,
    /// Distance of windows.
    pub stride: u32,
    /// Zeros around the input.
    pub padding: u32,
    /// Flat index of the weight `[out_c][c][kernel][kernel]`.
    pub weight_offset: u32,
    /// 1: the layer's input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`. Of the weight's gradient.
    pub from_batch: u32,
    /// 1: the weight's gradient goes on from what is there.
    pub accumulate: u32,
}

fn cost(lanes: &Lanes, p: &Params) -> u64 {
    let taps = u64::from(p.c) * u64::from(p.kernel) * u64::from(p.kernel);
    2 * lanes.rows * taps * u64::from(p.out_c) * u64::from(p.out_h) * u64::from(p.out_w)
}

/// Records `dx` from `dy`.
pub fn record_input(rec: &mut Recording, lanes: &Lanes, params: &Params, weights: Span, dy: Span, dx: Span) {
    let pixels = u64::from(lanes.max_rows) * u64::from(params.h) * u64::from(params.w);
    let grid = lanes.grid(pixels.div_ceil(256).min(65_535) as u32, params.c.div_ceil(8));
    let cost = cost(lanes, params);
    rec.dispatch(&CONV_GRAD_INPUT, Variant::plain(), params, &[lanes.table, weights, dy, dx], grid, cost);
}

/// Records `dW` into the lanes' gradients.
pub fn record_weight(rec: &mut Recording, lanes: &Lanes, params: &Params, x: Span, dy: Span, gradients: Span) {
    let columns = params.c * params.kernel * params.kernel;
    let grid = lanes.grid(columns.div_ceil(8), params.out_c.div_ceil(8));
    let cost = cost(lanes, params);
    rec.dispatch(&CONV_GRAD_WEIGHT, Variant::plain(), params, &[lanes.table, x, dy, gradients], grid, cost);
}
