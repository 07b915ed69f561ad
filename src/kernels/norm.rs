//! Norms over images: group norm, and batch norm with the statistics of the batch or running ones.
//!
//! A pass over the statistics leaves affine coefficients `a = rstd * scale`, `b = bias - mean * a`, so that the elementwise pass,
//! which all kinds share and which takes a residual and ReLU along, forms no perturbed weights.

use super::moments::{Moments, Parts};
use super::params::{Lanes, perturb};
use super::part_sums;
use super::parts::{self, Cut, Split, Sum, Target, Tensors};
use super::values;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::norm as twins;
use crate::stream::Distribution;

/// Statistics and coefficients of group norm.
pub static GROUP_NORM_STATS: Kernel = values::kernel::<Params>("group_norm_stats", twins::group_norm_stats);

/// Statistics and coefficients of group norm from those of parts.
pub static GROUP_NORM_MOMENTS: Kernel = Kernel::new::<Params>("group_norm_moments", twins::group_norm_moments);

/// Moments of parts of batch norm's input.
pub static BATCH_NORM_STATS: Kernel = values::kernel::<Params>("batch_norm_stats", twins::batch_norm_stats);

/// Statistics, coefficients and moments of batch norm from the moments of parts.
pub static BATCH_NORM_MOMENTS: Kernel = Kernel::new::<Params>("batch_norm_moments", twins::batch_norm_moments);

/// Coefficients from running statistics.
pub static RUNNING_NORM_STATS: Kernel = Kernel::new::<Params>("running_norm_stats", twins::running_norm_stats);

/// The elementwise pass.
pub static NORM_APPLY: Kernel = values::kernel::<Params>("norm_apply", twins::norm_apply);

/// Gradients of scale and bias.
pub static NORM_GRAD_PARAMS: Kernel = values::kernel::<GradUniforms>("norm_grad_params", twins::norm_grad_params);

/// Gradient of group norm's input.
pub static GROUP_NORM_GRAD: Kernel = values::kernel::<Params>("group_norm_grad", twins::group_norm_grad);

/// Gradient of batch norm's input.
pub static BATCH_NORM_GRAD: Kernel = values::kernel::<Params>("batch_norm_grad", twins::batch_norm_grad);

/// Running statistics, one step on.
pub static RUNNING_UPDATE: Kernel = Kernel::new::<Params>("running_update", twins::running_update);

params! {
    /// Uniform block of all of them but the gradients of scale and bias.
    pub struct Params {
        /// Channels.
        pub channels: u32,
        /// Groups of group norm; they divide the channels. 1 for the other kinds.
        pub groups: u32,
        /// Pixels of a channel, h x w.
        pub spatial: u32,
        /// Flat index of the scale.
        pub scale_offset: u32,
        /// Flat index of the bias.
        pub bias_offset: u32,
        /// What is added to a lane's base for its running means in their own binding: their flat index where both bindings begin at the
        /// same weight. Never perturbed; unused by group norm.
        pub mean_offset: u32,
        /// Of the running variances, alike.
        pub variance_offset: u32,
        /// 1: ReLU follows.
        pub relu: u32,
        /// 1: the gradients of scale and bias go on from what is there.
        pub accumulate: u32,
    }
}

params! {
    /// Uniform block of the gradients of scale and bias.
    pub struct GradUniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// As in [`Params`].
        pub channels: u32,
        /// As in [`Params`].
        pub groups: u32,
        /// As in [`Params`].
        pub spatial: u32,
        /// Index of the scale in what is summed into.
        pub scale_offset: u32,
        /// Index of the bias in it.
        pub bias_offset: u32,
        /// 1: the sums go on from what is there.
        pub accumulate: u32,
    }
}

/// Where mean and deviation come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Statistics {
    /// Each sample's groups of channels.
    Group,
    /// Each channel over all rows of a lane, which therefore can't be cut.
    Batch,
    /// The running statistics in the weight vector.
    Running,
}

/// What the statistics pass leaves.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// (mean, rstd) f32 per (row, group) for `Group`, per (lane of the chunk, channel) else.
    pub stats: Span,
    /// (a, b) f32 per (row, channel) for `Group`, per (lane of the chunk, channel) else.
    pub coefficients: Span,
    /// (mean, unbiased variance) f32 per (lane of the chunk, channel); of `Batch` only, else any span.
    pub moments: Span,
    /// Room for [`Moments::of_rows`] where [`record_statistics`] is to take those of `Batch`, else any span.
    pub parts: Span,
}

/// How many f32 the spans of [`Kept`] need, for each row or each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptValues {
    /// Whether the numbers are per lane of a chunk; else per row.
    pub per_lane: bool,
    /// Of [`Kept::stats`].
    pub stats: u64,
    /// Of [`Kept::coefficients`].
    pub coefficients: u64,
    /// Of [`Kept::moments`].
    pub moments: u64,
}

/// How many f32 a norm keeps.
pub fn kept_values(statistics: Statistics, channels: u32, groups: u32) -> KeptValues {
    let (channels, groups) = (2 * u64::from(channels), 2 * u64::from(groups));
    match statistics {
        Statistics::Group => KeptValues { per_lane: false, stats: groups, coefficients: channels, moments: 0 },
        Statistics::Batch => KeptValues { per_lane: true, stats: channels, coefficients: channels, moments: channels },
        Statistics::Running => KeptValues { per_lane: true, stats: channels, coefficients: channels, moments: 0 },
    }
}

impl Params {
    /// With running statistics `shift` further on in their binding, modulo 2^32.
    pub fn shifted(self, shift: u32) -> Self {
        let [mean_offset, variance_offset] = [self.mean_offset, self.variance_offset].map(|o| o.wrapping_add(shift));
        Self { mean_offset, variance_offset, ..self }
    }

    /// How the sums for scale and bias are split.
    pub fn split(&self) -> Option<Split> {
        let width = values::of(u64::from(self.spatial)).1;
        let sum = Sum {
            sample_rows: 1,
            row: self.spatial / width,
            terms: width,
            whole: self.channels,
            split: self.channels,
            wanted: parts::WORKGROUPS,
            least: parts::TREE_TERMS,
            multiple: 1,
        };
        sum.splitting()
    }

    /// What is summed for scale and bias.
    pub fn tensors(&self) -> Tensors {
        Tensors { first: (self.scale_offset, self.channels), second: (self.bias_offset, self.channels) }
    }

    fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.channels) * u64::from(self.spatial)
    }

    fn rows_grid(&self, lanes: &Lanes) -> [u32; 3] {
        lanes.grid(self.groups, lanes.max_rows.min(65_535))
    }

    fn channels_grid(&self, lanes: &Lanes) -> [u32; 3] {
        lanes.grid(self.channels.div_ceil(64), 1)
    }

    /// How a kernel over `Value`s is built for the images: width and shape.
    fn variant(&self) -> Variant {
        let (variant, width) = values::of(u64::from(self.spatial));
        variant.with("CHANNELS", self.channels).with("PIXELS", self.spatial / width)
    }

    /// As [`Self::variant`] for an elementwise kernel, with its grid.
    fn elementwise(&self, lanes: &Lanes) -> (Variant, [u32; 3]) {
        let pixels = self.spatial / values::of(u64::from(self.spatial)).1;
        let per_thread = if pixels >= 16 && pixels.is_multiple_of(4) { 4 } else { 1 };
        let items = u64::from(lanes.max_rows) * u64::from(self.channels) * u64::from(pixels / per_thread);
        (self.variant().with("PER_THREAD", per_thread), lanes.grid(items.div_ceil(64).min(65_535) as u32, 1))
    }
}

/// Records statistics and coefficients of `x`, with scale and bias perturbed by the lanes' seeds where a distribution is given.
/// `running`: where `Running` finds its statistics, which may be `weights`; any span else.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_statistics(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    running: Span,
    x: Span,
    kept: &Kept,
) {
    let perturb = perturb(distribution);
    let cost = 8 * params.values(lanes);
    match statistics {
        Statistics::Group => {
            let bound = [lanes.table, weights, x, kept.stats, kept.coefficients];
            let variant = params.variant().with("PERTURB", perturb);
            rec.dispatch(&GROUP_NORM_STATS, variant, params, &bound, params.rows_grid(lanes), cost);
        }
        Statistics::Batch => {
            let moments = Moments::of_rows(params.channels, params.spatial);
            if let Parts::Own { columns } = moments.parts {
                let parts = (u64::from(lanes.max_rows) * u64::from(params.spatial)).div_ceil(u64::from(columns));
                let grid = lanes.grid(parts as u32, params.channels);
                let variant = params.variant().with("PART_COLUMNS", columns);
                rec.dispatch(&BATCH_NORM_STATS, variant, params, &[lanes.table, x, kept.parts], grid, cost);
            }
            record_from_moments(rec, lanes, distribution, params, weights, (moments, kept.parts), kept);
        }
        Statistics::Running => {
            let variant = Variant::plain().with("CHANNELS", params.channels).with("PERTURB", perturb);
            let bound = [lanes.table, weights, running, kept.stats, kept.coefficients];
            let cost = 200 * u64::from(lanes.count) * u64::from(params.channels);
            rec.dispatch(&RUNNING_NORM_STATS, variant, params, &bound, params.channels_grid(lanes), cost);
        }
    }
}

/// Records statistics and coefficients from the moments of parts of `x`, as [`record_statistics`] leaves them.
pub fn record_from_moments(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    params: &Params,
    weights: Span,
    (moments, left): (Moments, Span),
    kept: &Kept,
) {
    let variant = Variant::plain().with("CHANNELS", params.channels).with("PERTURB", perturb(distribution));
    let bound = [lanes.table, weights, left, kept.stats, kept.coefficients];
    let cost = 4 * lanes.rows * u64::from(moments.row);
    match moments.parts {
        Parts::Groups { count, values, .. } => {
            let variant = variant.with("PARTS", count).with("PART_VALUES", values);
            rec.dispatch(&GROUP_NORM_MOMENTS, variant, params, &bound, params.rows_grid(lanes), cost);
        }
        Parts::Channels { columns } | Parts::Own { columns } => {
            let variant = variant.with("PIXELS", params.spatial).with("PART_COLUMNS", columns);
            let bound = [bound.as_slice(), &[kept.moments]].concat();
            rec.dispatch(&BATCH_NORM_MOMENTS, variant, params, &bound, lanes.grid(params.channels, 1), cost);
        }
    }
}

/// Records `y = act(x * a + b [+ residual])`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_apply(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    x: Span,
    coefficients: Span,
    residual: Option<Span>,
    y: Span,
) {
    let (variant, grid) = params.elementwise(lanes);
    let variant = variant
        .with("BY_ROW", u32::from(statistics == Statistics::Group))
        .with("RESIDUAL", u32::from(residual.is_some()));
    let bound = [lanes.table, x, residual.unwrap_or(x), coefficients, y];
    rec.dispatch(&NORM_APPLY, variant, params, &bound, grid, 6 * params.values(lanes));
}

/// Records the gradients of scale and bias from the forward pass's input `x`, its statistics, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_grad_params(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    x: Span,
    dy: Span,
    stats: Span,
    target: &Target,
) {
    let width = values::of(u64::from(params.spatial)).1;
    let variant = params.variant().with("BY_ROW", u32::from(statistics == Statistics::Group));
    let (split, tensors) = (params.split(), params.tensors());
    let Params { channels, groups, spatial, .. } = *params;
    let row = params.spatial / width;
    let cost = 8 * params.values(lanes);
    part_sums::record(rec, lanes, split, row, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (scale_offset, bias_offset) = (tensors.first.0, tensors.second.0);
        let (cut, accumulate) = (launch.cut, launch.accumulate);
        let uniforms = GradUniforms { cut, channels, groups, spatial, scale_offset, bias_offset, accumulate };
        let bound = [lanes.table, x, dy, stats, launch.sums];
        let grid = [params.channels, 1, launch.layers];
        rec.dispatch(&NORM_GRAD_PARAMS, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}

/// Records the gradient of the input. `Batch` reads the gradients of scale and bias, which must lie in `gradients` already, of
/// this batch alone.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record_grad(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    weights: Span,
    x: Span,
    dy: Span,
    stats: Span,
    gradients: Span,
    dx: Span,
) {
    if statistics == Statistics::Group {
        let bound = [lanes.table, weights, x, dy, stats, dx];
        rec.dispatch(
            &GROUP_NORM_GRAD,
            params.variant(),
            params,
            &bound,
            params.rows_grid(lanes),
            14 * params.values(lanes),
        );
        return;
    }
    let (variant, grid) = params.elementwise(lanes);
    let variant = variant.with("RUNNING", u32::from(statistics == Statistics::Running));
    let bound = [lanes.table, weights, x, dy, stats, gradients, dx];
    rec.dispatch(&BATCH_NORM_GRAD, variant, params, &bound, grid, 10 * params.values(lanes));
}

/// Records `running = 0.9 running + 0.1 moment` for means and variances of each lane's own; lanes without rows keep theirs.
pub fn record_running_update(rec: &mut Recording, lanes: &Lanes, params: &Params, moments: Span, running: Span) {
    let cost = 6 * u64::from(lanes.count) * u64::from(params.channels);
    let bound = [lanes.table, moments, running];
    rec.dispatch(&RUNNING_UPDATE, Variant::plain(), params, &bound, params.channels_grid(lanes), cost);
}
