//! Layer norm over the rows of a chunk, which are tokens where the lanes count tokens.

use super::params::{Lanes, perturb};
use super::values::{self, ValueKernel};
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::layer_norm as twins;
use crate::stream::Distribution;

/// The forward pass.
pub static LAYER_NORM: Kernel = values::kernel::<Params>("layer_norm", twins::layer_norm);

/// Gradient of the input.
pub static LAYER_NORM_GRAD: Kernel = values::kernel::<Params>("layer_norm_grad", twins::layer_norm_grad);

/// Gradients of scale and bias.
pub static LAYER_NORM_GRAD_PARAMS: ValueKernel = ValueKernel::new::<Params>(
    "layer_norm_grad_params",
    "layer_norm_grad_params_scalar",
    twins::layer_norm_grad_params,
);

/// Rows of a workgroup, `ROWS` of `shaders/lib/rows.wgsl`.
const ROWS: u32 = 32;

params! {
    /// Uniform block of the three kernels.
    pub struct Params {
        /// f32 of a row.
        pub dim: u32,
        /// Flat index of the scale.
        pub scale_offset: u32,
        /// Flat index of the bias.
        pub bias_offset: u32,
        /// 1: the gradients of scale and bias go on from what is there.
        pub accumulate: u32,
    }
}

impl Params {
    fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.dim)
    }

    fn of(&self, lanes: &Lanes) -> (Variant, [u32; 3]) {
        let (variant, width) = values::of(u64::from(self.dim));
        let grid = lanes.grid(lanes.max_rows.div_ceil(ROWS).min(65_535), 1);
        (variant.with("COLUMNS", self.dim / width), grid)
    }
}

/// Records `y = layer_norm(x)` and `stats`, (mean, rstd) f32 per row, with weights perturbed where a distribution is given.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    x: Span,
    y: Span,
    stats: Span,
) {
    let (variant, grid) = params.of(lanes);
    let bound = [lanes.table, weights, x, y, stats];
    rec.dispatch(
        &LAYER_NORM,
        variant.with("PERTURB", perturb(distribution)),
        params,
        &bound,
        grid,
        12 * params.values(lanes),
    );
}

/// Records the gradient of the input from the forward pass's input `x`, its statistics, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_grad(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    weights: Span,
    x: Span,
    dy: Span,
    stats: Span,
    dx: Span,
) {
    let (variant, grid) = params.of(lanes);
    let bound = [lanes.table, weights, x, dy, stats, dx];
    rec.dispatch(&LAYER_NORM_GRAD, variant, params, &bound, grid, 14 * params.values(lanes));
}

/// Records the gradients of scale and bias. Where rows are tokens, a cut between blocks of samples changes no bit.
pub fn record_grad_params(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    x: Span,
    dy: Span,
    stats: Span,
    gradients: Span,
) {
    let (kernel, width) = LAYER_NORM_GRAD_PARAMS.of(u64::from(params.dim));
    let grid = lanes.grid((params.dim / width).div_ceil(64), 1);
    let bound = [lanes.table, x, dy, stats, gradients];
    rec.dispatch(kernel, Variant::plain(), params, &bound, grid, 8 * params.values(lanes));
}
