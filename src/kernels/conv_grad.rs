//! Gradients of convolutions.

use super::conv::Geometry;
use super::params::Lanes;
use super::tiling::Tiling;
use crate::recording::kernel::{Kernel, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Gradient of the input.
pub static CONV_GRAD_INPUT: Kernel = Kernel::new::<Uniforms>("conv_grad_input", reference::conv_grad::conv_grad_input);

/// Gradient of the weight.
pub static CONV_GRAD_WEIGHT: Kernel =
    Kernel::new::<Uniforms>("conv_grad_weight", reference::conv_grad::conv_grad_weight);

/// A convolution whose gradients are wanted.
#[derive(Clone, Copy, Debug)]
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

params! {
    /// Uniform block of both kernels; the layer's sizes are constants ([`Geometry`]).
    pub struct Uniforms {
        /// Flat index of the weight.
        pub weight_offset: u32,
        /// As in [`Params`].
        pub from_batch: u32,
        /// As in [`Params`].
        pub accumulate: u32,
    }
}

impl Params {
    fn geometry(&self) -> Geometry {
        Geometry {
            input: [self.c, self.h, self.w],
            output: [self.out_c, self.out_h, self.out_w],
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
        }
    }

    fn uniforms(&self) -> Uniforms {
        let Self { weight_offset, from_batch, accumulate, .. } = *self;
        Uniforms { weight_offset, from_batch, accumulate }
    }

    fn cost(&self, lanes: &Lanes) -> u64 {
        let geometry = self.geometry();
        2 * lanes.rows * u64::from(geometry.depth()) * u64::from(self.out_c * geometry.pixels())
    }
}

/// Records `dx` `[rows][c][h][w]` from `dy` `[rows][out_c][out_h][out_w]`.
pub fn record_input(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &Params,
    weights: Span,
    dy: Span,
    dx: Span,
) {
    let tiling = tiling.for_rows(params.c);
    let variant = params.geometry().variant(tiling.variant());
    // Pixels of the largest of the stride's classes.
    let pixels = lanes.max_rows * params.h.div_ceil(params.stride) * params.w.div_ceil(params.stride);
    let classes = params.stride * params.stride;
    let grid = lanes.grid(params.c.div_ceil(tiling.tile_rows()) * classes, pixels.div_ceil(tiling.tile_columns()));
    let bound = [lanes.table, weights, dy, dx];
    rec.dispatch(&CONV_GRAD_INPUT, variant, &params.uniforms(), &bound, grid, params.cost(lanes));
}

/// Records `dW` into the lanes' gradients, from `x` `[rows][c][h][w]` and `dy`.
pub fn record_weight(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &Params,
    x: Span,
    dy: Span,
    gradients: Span,
) {
    let tiling = tiling.two_sums().for_rows(params.out_c);
    let geometry = params.geometry();
    let quads = u32::from(geometry.pixels().is_multiple_of(4));
    let variant = geometry.variant(tiling.variant()).with("DY_QUADS", quads);
    let grid = lanes.grid(geometry.depth().div_ceil(tiling.tile_columns()), params.out_c.div_ceil(tiling.tile_rows()));
    let bound = [lanes.table, dy, x, gradients];
    rec.dispatch(&CONV_GRAD_WEIGHT, variant, &params.uniforms(), &bound, grid, params.cost(lanes));
}
