//! Group norm: forward, gradient of the input, gradients of scale and bias.

use bytemuck::{Pod, Zeroable};

use super::params::{Lanes, perturb};
use super::{Kernel, Variant};
use crate::plan::{Recording, Span};
use crate::reference;
use crate::stream::Distribution;

/// The forward pass.
pub static GROUP_NORM: Kernel = Kernel { name: "group_norm", twin: reference::group_norm::group_norm };

/// Gradient of the input.
pub static GROUP_NORM_GRAD: Kernel = Kernel { name: "group_norm_grad", twin: reference::group_norm::group_norm_grad };

/// Gradients of scale and bias.
pub static GROUP_NORM_GRAD_PARAMS: Kernel =
    Kernel { name: "group_norm_grad_params", twin: reference::group_norm::group_norm_grad_params };

/// Uniform block of the three kernels.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Channels.
    pub channels: u32,
    /// Groups; they divide the channels.
    pub groups: u32,
    /// Pixels of a channel, h x w.
    pub spatial: u32,
    /// Flat index of the scale.
    pub scale_offset: u32,
    /// Flat index of the bias.
    pub bias_offset: u32,
    /// 1: the gradients of scale and bias go on from what is there.
    pub accumulate: u32,
}

impl Params {
    fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.channels) * u64::from(self.spatial)
    }

    fn rows_grid(&self, lanes: &Lanes) -> [u32; 3] {
        lanes.grid(self.groups, lanes.max_rows.min(65_535))
    }
}

/// The activations of the forward pass: f32 rows, and (mean, rstd) per row and group.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// Input.
    pub x: Span,
    /// Output.
    pub y: Span,
    /// (mean, rstd) f32 per (row, group).
    pub stats: Span,
}

/// Records `y = group_norm(x)` and the statistics, with weights perturbed by the lanes' seeds where a distribution is given.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    io: &Forward,
) {
    let variant = Variant::plain().with("PERTURB", perturb(distribution));
    let bound = [lanes.table, weights, io.x, io.y, io.stats];
    rec.dispatch(&GROUP_NORM, variant, params, &bound, params.rows_grid(lanes), 12 * params.values(lanes));
}

/// Records the gradient of the input: `dx` from the forward pass's input `x`, `dy` and its statistics.
pub fn record_grad(rec: &mut Recording, lanes: &Lanes, params: &Params, weights: Span, io: &Backward, dx: Span) {
    let bound = [lanes.table, weights, io.x, io.dy, io.stats, dx];
    let (grid, cost) = (params.rows_grid(lanes), 14 * params.values(lanes));
    rec.dispatch(&GROUP_NORM_GRAD, Variant::plain(), params, &bound, grid, cost);
}

/// What both gradients read.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// Input of the forward pass.
    pub x: Span,
    /// Gradient of its output.
    pub dy: Span,
    /// (mean, rstd) f32 per (row, group).
    pub stats: Span,
}

/// Records the gradients of scale and bias.
pub fn record_grad_params(rec: &mut Recording, lanes: &Lanes, params: &Params, io: &Backward, gradients: Span) {
    let bound = [lanes.table, io.x, io.dy, io.stats, gradients];
    let (grid, cost) = (lanes.grid(params.channels, 1), 6 * params.values(lanes));
    rec.dispatch(&GROUP_NORM_GRAD_PARAMS, Variant::plain(), params, &bound, grid, cost);
}
