//! What norms over images share: group norm, and batch norm with the statistics of the batch or running ones.
//!
//! A pass over the statistics leaves affine coefficients `a = rstd * scale`, `b = bias - mean * a`, so that the elementwise pass,
//! which all kinds share and which takes a residual and ReLU along, forms no perturbed weights.

use std::ops::{Deref, Range};

use super::params::{Lane, Lanes};
use super::tree::tree_sum;
use super::values;
use super::weight::weights;
use crate::caps::Layout;
use crate::recording::Span;
use crate::recording::kernel::{Call, Variant, params};

params! {
    /// Uniform block of all of them but the gradients of scale and bias.
    pub struct Uniforms {
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

/// A norm over images.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// Its sizes and places, as kernels see them.
    pub sizes: Uniforms,
    /// How channels and pixels lie.
    pub layout: Layout,
}

impl Deref for Params {
    type Target = Uniforms;

    fn deref(&self) -> &Uniforms {
        &self.sizes
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
pub struct Spans {
    /// (mean, rstd) f32 per (row, group) for `Group`, per (lane of the chunk, channel) else.
    pub stats: Span,
    /// (a, b) f32 per (row, channel) for `Group`, per (lane of the chunk, channel) else.
    pub coefficients: Span,
    /// (mean, unbiased variance) f32 per (lane of the chunk, channel); of `Batch` only, else any span.
    pub moments: Span,
    /// Room for `Moments::of_rows` where `record_statistics` is to take those of `Batch`, else any span.
    pub parts: Span,
}

/// How many f32 the spans of [`Spans`] need, for each row or each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanSizes {
    /// Whether the numbers are per lane of a chunk; else per row.
    pub per_lane: bool,
    /// Of [`Spans::stats`].
    pub stats: u64,
    /// Of [`Spans::coefficients`].
    pub coefficients: u64,
    /// Of [`Spans::moments`].
    pub moments: u64,
}

/// How many f32 a norm's statistics pass leaves.
pub fn span_sizes(statistics: Statistics, channels: u32, groups: u32) -> SpanSizes {
    let (channels, groups) = (2 * u64::from(channels), 2 * u64::from(groups));
    match statistics {
        Statistics::Group => SpanSizes { per_lane: false, stats: groups, coefficients: channels, moments: 0 },
        Statistics::Batch => SpanSizes { per_lane: true, stats: channels, coefficients: channels, moments: channels },
        Statistics::Running => SpanSizes { per_lane: true, stats: channels, coefficients: channels, moments: 0 },
    }
}

/// Constants that are there for speed alone.
pub const SPEED: &[&str] = &["CHANNELS", "PIXELS", "GROUPS"];

impl Params {
    /// With running statistics `shift` further on in their binding, modulo 2^32.
    pub fn shifted(self, shift: u32) -> Self {
        let [mean_offset, variance_offset] = [self.mean_offset, self.variance_offset].map(|o| o.wrapping_add(shift));
        Self { sizes: Uniforms { mean_offset, variance_offset, ..self.sizes }, ..self }
    }

    /// f32 of all rows.
    pub fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.channels) * u64::from(self.spatial)
    }

    /// A grid of workgroups that take a (row, group).
    pub fn rows_grid(&self, lanes: &Lanes) -> [u32; 3] {
        lanes.grid(self.groups, lanes.max_rows.min(65_535))
    }

    /// A grid of threads that take a (lane, channel).
    pub fn channels_grid(&self, lanes: &Lanes) -> [u32; 3] {
        lanes.grid(self.channels.div_ceil(64), 1)
    }

    /// How a kernel over `Value`s is built that takes whole groups of channels: width and shape.
    pub fn variant(&self) -> Variant {
        self.variant_of(self.channels / self.groups)
    }

    /// How a kernel over `Value`s is built that knows no groups. A `Value` is of one channel, or with channels last of several.
    pub fn ungrouped(&self) -> Variant {
        self.variant_of(self.channels)
    }

    /// Channels and pixels in `Value`s of a kernel that knows no groups, of which the innermost are as many less as a `Value` is wide.
    pub fn in_values(&self) -> [u32; 2] {
        let width = |length: u32| values::of(u64::from(length)).1;
        match self.layout {
            Layout::ChannelsFirst => [self.channels, self.spatial / width(self.spatial)],
            Layout::ChannelsLast => [self.channels / width(self.channels), self.spatial],
        }
    }

    /// Where `Value`s along channels, where those are last, are of `channels` neighbours.
    fn variant_of(&self, channels: u32) -> Variant {
        match self.layout {
            Layout::ChannelsFirst => {
                let (variant, width) = values::of(u64::from(self.spatial));
                variant.with("CHANNELS", self.channels).with("PIXELS", self.spatial / width)
            }
            Layout::ChannelsLast => {
                let (variant, _) = values::of(u64::from(channels));
                variant
                    .with("CHANNELS", self.channels)
                    .with("PIXELS", self.spatial)
                    .with("GROUPS", self.groups)
                    .with("CHANNELS_LAST", 1)
            }
        }
    }

    /// As [`Self::ungrouped`] for an elementwise kernel, with its grid.
    pub fn elementwise(&self, lanes: &Lanes) -> (Variant, [u32; 3]) {
        let [channels, pixels] = self.in_values();
        let per_thread = if pixels >= 16 && pixels.is_multiple_of(4) { 4 } else { 1 };
        let items = u64::from(lanes.max_rows) * u64::from(channels) * u64::from(pixels / per_thread);
        (self.ungrouped().with("PER_THREAD", per_thread), lanes.grid(items.div_ceil(64).min(65_535) as u32, 1))
    }
}

const EPS: f32 = 1.0e-5;

/// Mean of `count` values, and their sum of squares about it.
pub fn mean_and_squares(count: usize, x: impl Fn(usize) -> f32) -> (f32, f32) {
    let mean = tree_sum(count, &x) / count as f32;
    (mean, tree_sum(count, |i| (x(i) - mean) * (x(i) - mean)))
}

/// What the statistics pass leaves of mean and variance: (mean, rstd).
pub fn mean_and_rstd(mean: f32, variance: f32) -> [f32; 2] {
    [mean, 1.0 / (variance + EPS).sqrt()]
}

/// Coefficients (a, b) with y = x a + b.
pub fn affine([mean, rstd]: [f32; 2], scale: f32, bias: f32) -> [f32; 2] {
    let a = rstd * scale;
    [a, bias - mean * a]
}

/// A lane's scales and biases, perturbed as the launch wants.
pub fn scale_and_bias(call: &Call<'_>, p: &Uniforms, all: &[f32], lane: &Lane) -> [Vec<f32>; 2] {
    let perturb = call.variant.get("PERTURB", 0);
    [p.scale_offset, p.bias_offset].map(|offset| weights(all, lane, perturb, offset, p.channels))
}

/// Stores pairs, one binding after another: they may lie in one buffer.
pub fn store(call: &Call<'_>, binding: usize, pairs: &[(usize, [f32; 2])]) {
    let mut out = call.write::<[f32; 2]>(binding);
    for &(at, pair) in pairs {
        out[at] = pair;
    }
}

/// Stores statistics per row and group, as `stat` gives them by slice, and coefficients per row and channel.
pub fn store_groups(call: &Call<'_>, p: &Uniforms, stat: impl Fn(usize) -> [f32; 2]) {
    let (lanes, all) = (call.read::<Lane>(1), call.read::<f32>(2));
    let (mut stats, mut coefficients) = (Vec::new(), Vec::new());
    let per_group = (p.channels / p.groups) as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let [scale, bias] = scale_and_bias(call, p, &all, lane);
        for slice in slices(lane, p.groups) {
            let stat = stat(slice);
            stats.push((slice, stat));
            for i in 0..per_group {
                let c = slice % p.groups as usize * per_group + i;
                coefficients.push((slice * per_group + i, affine(stat, scale[c], bias[c])));
            }
        }
    }
    drop((lanes, all));
    store(call, 4, &stats);
    store(call, 5, &coefficients);
}

/// Stores statistics, coefficients and moments per lane and channel, as `stat` gives mean and sum of squared deviations.
pub fn store_channels(call: &Call<'_>, p: &Uniforms, stat: impl Fn(&Lane, usize) -> (f32, f32)) {
    let (lanes, all) = (call.read::<Lane>(1), call.read::<f32>(2));
    let (mut stats, mut coefficients, mut moments) = (Vec::new(), Vec::new(), Vec::new());
    let channels = p.channels as usize;
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate().filter(|(_, lane)| lane.rows > 0) {
        let [scale, bias] = scale_and_bias(call, p, &all, lane);
        let count = (lane.rows * p.spatial) as f32;
        for c in 0..channels {
            let (mean, squares) = stat(lane, c);
            let stat = mean_and_rstd(mean, squares / count);
            stats.push((l * channels + c, stat));
            coefficients.push((l * channels + c, affine(stat, scale[c], bias[c])));
            moments.push((l * channels + c, [mean, squares / (count - 1.0).max(1.0)]));
        }
    }
    drop((lanes, all));
    store(call, 4, &stats);
    store(call, 5, &coefficients);
    store(call, 6, &moments);
}

/// Where value `i` of a (row, group) lies, which has the slice's number: by channel and pixel, or with channels last by pixel and channel.
pub fn slice_place(layout: Layout, p: &Uniforms, slice: usize, i: usize) -> usize {
    let (groups, pixels) = (p.groups as usize, p.spatial as usize);
    let wide = p.channels as usize / groups;
    match layout {
        Layout::ChannelsFirst => slice * wide * pixels + i,
        Layout::ChannelsLast => {
            let (row, group) = (slice / groups, slice % groups);
            (row * pixels + i / wide) * p.channels as usize + group * wide + i % wide
        }
    }
}

/// The channel of value `i` of a group, counted from the group's first.
pub fn slice_channel(layout: Layout, p: &Uniforms, i: usize) -> usize {
    match layout {
        Layout::ChannelsFirst => i / p.spatial as usize,
        Layout::ChannelsLast => i % (p.channels / p.groups) as usize,
    }
}

/// Numbers of a lane's (row, i) pairs, i below `per_row`.
pub fn slices(lane: &Lane, per_row: u32) -> Range<usize> {
    let at = |row: u32| (row * per_row) as usize;
    at(lane.row0)..at(lane.row0 + lane.rows)
}
