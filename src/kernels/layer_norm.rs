//! Layer norm over the rows of a chunk, which are tokens where the lanes count tokens.

use super::params::{Lanes, perturb};
use super::part_sums;
use super::parts::{self, Cut, Split, Sum, Target, Tensors};
use super::values;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::layer_norm as twins;
use crate::stream::Distribution;

/// The forward pass.
pub static LAYER_NORM: Kernel = values::kernel::<Params>("layer_norm", twins::layer_norm);

/// Gradient of the input.
pub static LAYER_NORM_GRAD: Kernel = values::kernel::<Params>("layer_norm_grad", twins::layer_norm_grad);

/// Gradients of scale and bias.
pub static LAYER_NORM_GRAD_PARAMS: Kernel =
    values::kernel::<GradUniforms>("layer_norm_grad_params", twins::layer_norm_grad_params);

/// Rows of a workgroup, `ROWS` of `shaders/lib/rows.wgsl`.
const ROWS: u32 = 32;

params! {
    /// Uniform block of the forward pass and of the input's gradient.
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

params! {
    /// Uniform block of the gradients of scale and bias.
    pub struct GradUniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// f32 of a row.
        pub dim: u32,
        /// Index of the scale in what is summed into.
        pub scale_offset: u32,
        /// Index of the bias in it.
        pub bias_offset: u32,
        /// 1: the sums go on from what is there.
        pub accumulate: u32,
    }
}

impl Params {
    /// Workgroups of a lane or part.
    fn groups(&self, row_teams: u32) -> u32 {
        (self.dim / values::of(u64::from(self.dim)).1).div_ceil(64 / row_teams)
    }

    /// How the sums for scale and bias are split for lanes of `sample_rows` rows a sample.
    pub fn split(&self, sample_rows: u32) -> Option<Split> {
        let (whole, split, wanted) = (self.groups(1), self.groups(parts::ROW_TEAMS), parts::WORKGROUPS);
        let least = parts::TEAM_ROWS;
        Sum { sample_rows, row: 1, terms: 1, whole, split, wanted, least, multiple: 1 }.splitting()
    }

    /// What is summed for scale and bias.
    pub fn tensors(&self) -> Tensors {
        Tensors { first: (self.scale_offset, self.dim), second: (self.bias_offset, self.dim) }
    }

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
    target: &Target,
) {
    let split = params.split(lanes.sample_rows);
    let row_teams = if split.is_some() { parts::ROW_TEAMS } else { 1 };
    let variant = values::of(u64::from(params.dim)).0.with("ROW_TEAMS", row_teams);
    let (tensors, dim, cost) = (params.tensors(), params.dim, 8 * params.values(lanes));
    part_sums::record(rec, lanes, split, 1, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (scale_offset, bias_offset) = (tensors.first.0, tensors.second.0);
        let (cut, accumulate) = (launch.cut, launch.accumulate);
        let uniforms = GradUniforms { cut, dim, scale_offset, bias_offset, accumulate };
        let bound = [lanes.table, x, dy, stats, launch.sums];
        let grid = [params.groups(row_teams), 1, launch.layers];
        rec.dispatch(&LAYER_NORM_GRAD_PARAMS, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}
