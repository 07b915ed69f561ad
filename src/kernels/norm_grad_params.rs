//! Gradients of the scales and biases of norms over images.

use super::lib::norm::{self, Params, SPEED, Statistics, span_sizes};
use super::lib::norm_cases::{self, Norm, ROWS, TOTAL};
use super::lib::params::{Lane, Lanes};
use super::lib::parts::{self, Cut, Launch, Sum, SumSplit, Target, Tensors, work};
use super::lib::tree::tree_sum;
use super::lib::{Case, rounding, values};
use super::{norm_grad_params_last, part_sums};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("norm_grad_params", twin).with_speed(SPEED);

params! {
    /// The uniform block.
    pub struct Uniforms {
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

impl Uniforms {
    /// Of a launch of this kernel or the one of channels last.
    fn of(params: &Params, launch: &Launch, tensors: &Tensors) -> Self {
        let norm::Uniforms { channels, groups, spatial, .. } = params.sizes;
        let (scale_offset, bias_offset) = (tensors.first.0, tensors.second.0);
        let (cut, accumulate) = (launch.cut, launch.accumulate);
        Self { cut, channels, groups, spatial, scale_offset, bias_offset, accumulate }
    }
}

impl Params {
    /// How the sums for scale and bias are split.
    pub fn split(&self) -> Option<SumSplit> {
        if self.layout == Layout::ChannelsLast {
            return self.split_last();
        }
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
        Tensors::two((self.scale_offset, self.channels), (self.bias_offset, self.channels))
    }
}

/// How a layout's sums are launched.
pub struct How {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Its constants, beside those of the statistics.
    pub variant: Variant,
    /// How the sums are split.
    pub split: Option<SumSplit>,
    /// Units of a row.
    pub row: u32,
    /// Workgroups of a lane or part.
    pub groups: u32,
}

impl How {
    /// Where channels come first.
    fn first(params: &Params) -> Self {
        let width = values::of(u64::from(params.spatial)).1;
        let (split, row) = (params.split(), params.spatial / width);
        Self { kernel: &KERNEL, variant: params.variant(), split, row, groups: params.channels }
    }
}

/// Records the gradients of scale and bias from the forward pass's input `x`, its statistics, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    x: Span,
    dy: Span,
    stats: Span,
    target: &Target,
) {
    let last = params.layout == Layout::ChannelsLast;
    let how = if last { norm_grad_params_last::how(params) } else { How::first(params) };
    let variant = how.variant.with("BY_ROW", u32::from(statistics == Statistics::Group));
    let (split, row, tensors, accumulate) = (how.split, how.row, params.tensors(), params.accumulate);
    let cost = 8 * params.values(lanes);
    part_sums::record(rec, lanes, split, row, &tensors, accumulate, cost, target, |rec, launch, tensors| {
        let uniforms = Uniforms::of(params, launch, tensors);
        let bound = [lanes.table, x, dy, stats, launch.sums];
        let grid = [how.groups, 1, launch.layers];
        rec.dispatch(how.kernel, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}

/// Gradients of scale and bias, by parts.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let by_row = call.variant.get("BY_ROW", 1) == 1;
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let stats = call.read::<[f32; 2]>(4);
    let mut gradients = call.write::<f32>(5);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    // f32 of a unit.
    let width = spatial / p.cut.row as usize;
    for work in work(&p.cut, &lanes, call.grid[2], 2 * p.channels) {
        for c in 0..channels {
            let group = c / (channels / p.groups as usize);
            let scale_at = work.base.wrapping_add(p.scale_offset) as usize + c;
            let bias_at = work.base.wrapping_add(p.bias_offset) as usize + c;
            let mut total = if p.accumulate != 0 { [gradients[scale_at], gradients[bias_at]] } else { [0.0; 2] };
            for part in &work.parts {
                let row = |u: usize| work.lane.row0 as usize + (part.start * width + u) / spatial;
                let at = |u: usize| (row(u) * channels + c) * spatial + (part.start * width + u) % spatial;
                total[0] += tree_sum(part.len() * width, |u| {
                    let stat = if by_row { row(u) * p.groups as usize + group } else { work.index * channels + c };
                    let [mean, rstd] = stats[stat];
                    dy[at(u)] * ((x[at(u)] - mean) * rstd)
                });
                total[1] += tree_sum(part.len() * width, |u| dy[at(u)]);
            }
            [gradients[scale_at], gradients[bias_at]] = total;
        }
    }
}

/// Self-test cases; one of each kind built for its sizes.
pub fn cases() -> Vec<Case> {
    of_layout(Layout::ChannelsFirst)
}

/// Cases of a layout.
pub fn of_layout(layout: Layout) -> Vec<Case> {
    let shapes = |kind| norm_cases::shapes().filter(move |of| of.0 == layout).map(move |shape| case(kind, shape));
    [Statistics::Group, Statistics::Batch].into_iter().flat_map(shapes).collect()
}

fn case(kind: Statistics, (layout, shape, fitted): (Layout, norm_cases::Shape, bool)) -> Case {
    // Sums over blocks of 8 samples, two of them, run twice.
    let threads = if layout == Layout::ChannelsLast { parts::ROW_TEAMS } else { 64 };
    let tolerance = rounding(2 * ((8 * shape.2).div_ceil(threads) + 16) + 20);
    Case::new(norm_cases::name("grad params", kind, layout, shape), tolerance, move |f| {
        let mut norm = Norm::new(f, kind, layout, shape);
        let sizes = span_sizes(kind, shape.0, norm.params.groups);
        let count = if sizes.per_lane { ROWS.len() } else { TOTAL as usize };
        let (stats, dy) = (f.random("stats", count * sizes.stats as usize), f.random("dy", norm.values()));
        let target = f.target(ROWS.len() * norm_cases::stride(shape.0) as usize, 9 * 2 * shape.0);
        let mut rec = Recording::new();
        for accumulate in [0, 1] {
            norm.params.sizes.accumulate = accumulate;
            record(&mut rec, &norm.lanes, kind, &norm.params, norm.x, dy, stats, &target);
        }
        rec.read_back(target.gradients);
        rec
    })
    .fitted(fitted)
}
