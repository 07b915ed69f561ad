//! Gradients of convolutions.

use super::conv::Geometry;
use super::params::Lanes;
use super::part_sums;
use super::parts::{Cut, Split, Sum, Target, Tensors};
use super::tiling::Tiling;
use crate::recording::kernel::{Kernel, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Gradient of the input.
pub static CONV_GRAD_INPUT: Kernel =
    Kernel::new::<InputUniforms>("conv_grad_input", reference::conv_grad::conv_grad_input);

/// Gradient of the weight.
pub static CONV_GRAD_WEIGHT: Kernel =
    Kernel::new::<WeightUniforms>("conv_grad_weight", reference::conv_grad::conv_grad_weight);

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
    /// Uniform block of `conv_grad_input`; the layer's sizes are constants ([`Geometry`]).
    pub struct InputUniforms {
        /// Flat index of the weight.
        pub weight_offset: u32,
    }
}

params! {
    /// Uniform block of `conv_grad_weight`.
    pub struct WeightUniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// Index of the weight in what is summed into.
        pub weight_offset: u32,
        /// As in [`Params`].
        pub from_batch: u32,
        /// 1: the sum goes on from what is there.
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

    /// f32 of the weight.
    pub fn weight_len(&self) -> u32 {
        self.out_c * self.geometry().depth()
    }

    /// Tiles of the weight that workgroups sum, (c, i, j) and o.
    fn weight_tiles(&self, tiling: Tiling) -> [u32; 2] {
        [self.geometry().depth().div_ceil(tiling.tile_columns()), self.out_c.div_ceil(tiling.tile_rows())]
    }

    /// How the weight's gradient is split.
    pub fn weight_split(&self, tiling: Tiling) -> Option<Split> {
        let count = |tiling| self.weight_tiles(tiling).iter().product();
        let (whole, split) = (tiling.two_sums().for_rows(self.out_c), tiling.one_sum().for_rows(self.out_c));
        let sum = Sum {
            sample_rows: 1,
            row: self.geometry().pixels().div_ceil(4),
            terms: 4,
            whole: count(whole),
            split: count(split),
            wanted: tiling.workgroups(),
            least: 256,
            multiple: 1,
        };
        sum.splitting()
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
    let uniforms = InputUniforms { weight_offset: params.weight_offset };
    rec.dispatch(&CONV_GRAD_INPUT, variant, &uniforms, &bound, grid, params.cost(lanes));
}

/// Records `dW` into the lanes' gradients, from `x` `[rows][c][h][w]` and `dy`.
pub fn record_weight(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &Params,
    x: Span,
    dy: Span,
    target: &Target,
) {
    let split = params.weight_split(tiling);
    let tiling = if split.is_some() { tiling.one_sum() } else { tiling.two_sums() }.for_rows(params.out_c);
    let (geometry, [columns, rows]) = (params.geometry(), params.weight_tiles(tiling));
    let quads = u32::from(geometry.pixels().is_multiple_of(4));
    let variant = geometry.variant(tiling.variant()).with("DY_QUADS", quads).with("SPLIT", u32::from(split.is_some()));
    let (row, tensors) = (geometry.pixels().div_ceil(4), Tensors::one(params.weight_offset, params.weight_len()));
    let cost = params.cost(lanes);
    part_sums::record(rec, lanes, split, row, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (cut, weight_offset, accumulate) = (launch.cut, tensors.first.0, launch.accumulate);
        let uniforms = WeightUniforms { cut, weight_offset, from_batch: params.from_batch, accumulate };
        let bound = [lanes.table, dy, x, launch.sums];
        let grid = [columns, rows, launch.layers];
        rec.dispatch(&CONV_GRAD_WEIGHT, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}
