//! What cases of norms over images are made of.

use super::case::{gaussian_share, layout_name, perturbation};
use super::geometry::Geometry;
use super::moments::Moments;
use super::norm::{Params, Spans, Statistics, Uniforms, span_sizes};
use super::params::Lanes;
use super::way::Way;
use super::{Fixture, rounding};
use crate::caps::Layout;
use crate::recording::Span;
use crate::stream::Distribution;

/// Rows of the lanes.
pub const ROWS: [u32; 4] = [3, 1, 0, 9];

/// All of them.
pub const TOTAL: u32 = 13;

/// Channels, groups, pixels.
pub type Shape = (u32, u32, u32);

/// Channels, groups and pixels: one of each; single f32; quads; long runs; more channels than threads; sums for scale and bias that are
/// split, in several parts a block.
pub const SHAPES: [Shape; 7] =
    [(1, 1, 2), (6, 2, 35), (4, 4, 100), (8, 2, 64), (3, 1, 1028), (130, 1, 4), (2, 2, 1026)];

/// Those with channels last: single f32, groups of whole quads, and of less than one; sums that are split. The third is built for its sizes.
pub const LAST_SHAPES: [Shape; 4] = [(6, 2, 35), (24, 6, 100), (16, 2, 64), (66, 1, 300)];

/// Layouts and shapes of cases, and whether their kernels are built for their sizes.
pub fn shapes() -> impl Iterator<Item = (Layout, Shape, bool)> {
    let first = SHAPES.map(|shape| (Layout::ChannelsFirst, shape, shape == SHAPES[3]));
    let last = LAST_SHAPES.map(|shape| (Layout::ChannelsLast, shape, shape == LAST_SHAPES[2]));
    first.into_iter().chain(last)
}

/// f32 from a lane's weights to the next's.
pub fn stride(channels: u32) -> u32 {
    2 * channels + 3
}

/// A layer's weights and activations.
pub struct Norm {
    /// The lanes.
    pub lanes: Lanes,
    /// The layer.
    pub params: Params,
    /// Scale and bias.
    pub weights: Span,
    /// Running mean and variance.
    pub running: Span,
    /// The input.
    pub x: Span,
}

impl Norm {
    /// Of a kind and shape. A lane's scale and bias lie from the third f32 of its weights on. Running mean and variance (in [1/2, 3/2)) are in a binding of
    /// their own, from the first on: as where the weights are bound in windows.
    pub fn new(f: &mut Fixture<'_>, kind: Statistics, layout: Layout, (channels, groups, spatial): Shape) -> Self {
        let stride = stride(channels);
        let lanes = f.lanes(&ROWS, stride);
        let weights = f.random("weights", ROWS.len() * stride as usize);
        let mut running = f.values(ROWS.len() * stride as usize);
        for lane in running.chunks_mut(stride as usize) {
            lane[1 + channels as usize..].iter_mut().for_each(|v| *v = 1.0 + *v / 2.0);
        }
        let sizes = Uniforms {
            channels,
            groups: grouped(kind, (channels, groups, spatial)).1,
            spatial,
            scale_offset: 3,
            bias_offset: 3 + channels,
            mean_offset: 1,
            variance_offset: 1 + channels,
            relu: 0,
            accumulate: 0,
        };
        let params = Params { sizes, layout };
        let x = f.random("x", (TOTAL * channels * spatial) as usize);
        Self { lanes, params, weights, running: f.buffer("running", &running), x }
    }

    /// f32 of the input.
    pub fn values(&self) -> usize {
        (TOTAL * self.params.channels * self.params.spatial) as usize
    }
}

/// Buffers for what the statistics pass leaves.
pub fn spans(f: &mut Fixture<'_>, kind: Statistics, (channels, groups, spatial): Shape) -> Spans {
    let sizes = span_sizes(kind, channels, groups);
    let count = if sizes.per_lane { ROWS.len() } else { TOTAL as usize };
    let mut blank = |name, values: u64| f.blank(name, count * values as usize);
    Spans {
        stats: blank("stats", sizes.stats),
        coefficients: blank("coefficients", sizes.coefficients),
        moments: blank("moments", sizes.moments),
        parts: f.blank("parts", (TOTAL * Moments::of_rows(channels, spatial).row) as usize),
    }
}

/// A shape with the groups that a kind has.
pub fn grouped(kind: Statistics, (channels, groups, spatial): Shape) -> Shape {
    (channels, if kind == Statistics::Group { groups } else { 1 }, spatial)
}

/// Additions in a row of one sum: a thread's share of the values, four at a time or one, and the tree.
pub fn additions(kind: Statistics, (channels, groups, spatial): Shape) -> u32 {
    let values = match kind {
        Statistics::Group => channels / groups * spatial,
        Statistics::Batch => 9 * spatial,
        Statistics::Running => 0,
    };
    values.div_ceil(64) + 16
}

/// The name of a case.
pub fn name(what: &str, kind: Statistics, layout: Layout, (channels, groups, spatial): Shape) -> String {
    let layout = layout_name(layout);
    format!("norm {what} {kind:?} {channels} channels {groups} groups {spatial} pixels{layout}").to_lowercase()
}

/// The name and the tolerance of a case of a statistics pass: two passes over the values and twenty operations more.
pub fn forward(kind: Statistics, layout: Layout, shape: Shape, how: Option<Distribution>) -> (String, f64) {
    let name = format!("{} {}", name("forward", kind, layout, shape), perturbation(how));
    (name, rounding(2 * additions(kind, shape) + 20) + gaussian_share(how))
}

/// The name and the tolerance of a case of statistics from the moments that a convolution left that is computed in a way.
pub fn behind_conv(g: &Geometry, kind: Statistics, groups: u32, how: Option<Distribution>, way: Way) -> (String, f64) {
    let shape = (g.output[0], groups, g.pixels());
    let gaussian = if how == Some(Distribution::Gaussian) { 4e-5 } else { 0.0 };
    // The sum of a convolution and its mean over the values, about which it is taken; then as `forward`. x * a + b instead of
    // (x - mean) * a cancels up to a few units more where b is large.
    let tolerance = 2.0 * rounding(g.depth() + 4) + rounding(2 * additions(kind, shape) + 20) + gaussian;
    let by = if way == Way::Shuffle { String::new() } else { format!(" {way}") };
    (format!("{} {}{by}", name("behind conv", kind, g.layout, shape), perturbation(how)), tolerance)
}

/// The same convolution where channels lie last.
pub fn channels_last(geometry: Geometry) -> Geometry {
    Geometry { layout: Layout::ChannelsLast, ..geometry }
}

/// Convolutions of cases: a tile within a sample; several samples a tile; eight channels a group and a stride; parts that would mix
/// samples. With the groups of a group norm behind them.
pub fn convolutions() -> [(Geometry, u32); 4] {
    [([3, 8, 8], 64, 1, 2), ([8, 4, 4], 32, 1, 1), ([4, 16, 16], 16, 2, 2), ([3, 5, 5], 16, 1, 2)].map(
        |(input, channels, stride, groups)| {
            let out = (input[1] - 1) / stride + 1;
            let layout = Layout::ChannelsFirst;
            (Geometry { input, output: [channels, out, out], kernel: 3, stride, padding: 1, layout }, groups)
        },
    )
}

/// A norm behind a convolution whose weight is first in a lane's weights, and f32 from lane to lane.
pub fn params_behind_conv(g: &Geometry, groups: u32) -> (Params, u32) {
    let (channels, scale_offset) = (g.output[0], g.output[0] * g.depth());
    let sizes = Uniforms {
        channels,
        groups,
        spatial: g.pixels(),
        scale_offset,
        bias_offset: scale_offset + channels,
        mean_offset: 0,
        variance_offset: 0,
        relu: 0,
        accumulate: 0,
    };
    (Params { sizes, layout: g.layout }, (scale_offset + 2 * channels).next_multiple_of(64))
}
