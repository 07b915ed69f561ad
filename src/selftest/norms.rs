//! Cases of norms over images: group norm, batch norm, running statistics; plain and perturbed.

use super::{Case, Fixture, rounding};
use crate::kernels::conv::{self, Geometry};
use crate::kernels::lib::PERTURBED;
use crate::kernels::lib::case::perturbation as text;
use crate::kernels::moments::Moments;
use crate::kernels::norm::{self, Kept, Params, Statistics};
use crate::kernels::params::{ABSENT, Lanes};
use crate::kernels::tiling::{Operands, Product};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

const ROWS: [u32; 4] = [3, 1, 0, 9];
const TOTAL: u32 = 13;

/// Channels, groups and pixels: one of each; single f32; quads; long runs; more channels than threads; sums for scale and bias that are
/// split, in several parts a block.
const SHAPES: [(u32, u32, u32); 7] =
    [(1, 1, 2), (6, 2, 35), (4, 4, 100), (8, 2, 64), (3, 1, 1028), (130, 1, 4), (2, 2, 1026)];

const KINDS: [Statistics; 3] = [Statistics::Group, Statistics::Batch, Statistics::Running];

/// f32 from a lane's weights to the next's.
fn stride(channels: u32) -> u32 {
    2 * channels + 3
}

/// A layer's weights and activations.
struct Norm {
    lanes: Lanes,
    params: Params,
    weights: Span,
    running: Span,
    x: Span,
    kept: Kept,
}

impl Norm {
    /// A lane's scale and bias lie from the third f32 of its weights on. Running mean and variance (in [1/2, 3/2)) are in a binding of
    /// their own, from the first on: as where the weights are bound in windows.
    fn new(f: &mut Fixture<'_>, kind: Statistics, (channels, groups, spatial): (u32, u32, u32)) -> Self {
        let stride = stride(channels);
        let lanes = f.lanes(&ROWS, stride);
        let weights = f.random("weights", ROWS.len() * stride as usize);
        let mut running = f.values(ROWS.len() * stride as usize);
        for lane in running.chunks_mut(stride as usize) {
            lane[1 + channels as usize..].iter_mut().for_each(|v| *v = 1.0 + *v / 2.0);
        }
        let params = Params {
            channels,
            groups: if kind == Statistics::Group { groups } else { 1 },
            spatial,
            scale_offset: 3,
            bias_offset: 3 + channels,
            mean_offset: 1,
            variance_offset: 1 + channels,
            relu: 0,
            accumulate: 0,
        };
        let kept = kept(f, kind, (channels, params.groups, spatial));
        let x = f.random("x", (TOTAL * channels * spatial) as usize);
        Self { lanes, params, weights, running: f.buffer("running", &running), x, kept }
    }

    fn values(&self) -> usize {
        (TOTAL * self.params.channels * self.params.spatial) as usize
    }
}

/// Room for what the statistics pass leaves.
fn kept(f: &mut Fixture<'_>, kind: Statistics, (channels, groups, spatial): (u32, u32, u32)) -> Kept {
    let values = norm::kept_values(kind, channels, groups);
    let count = if values.per_lane { ROWS.len() } else { TOTAL as usize };
    let mut blank = |name, values: u64| f.blank(name, count * values as usize);
    Kept {
        stats: blank("stats", values.stats),
        coefficients: blank("coefficients", values.coefficients),
        moments: blank("moments", values.moments),
        parts: f.blank("parts", (TOTAL * Moments::of_rows(channels, spatial).row) as usize),
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for shape in SHAPES {
            for how in PERTURBED {
                cases.push(forward(kind, shape, how));
            }
            cases.push(backward(kind, shape));
        }
    }
    for how in PERTURBED {
        // A tile within a sample; several samples a tile; eight channels a group and a stride; parts that would mix samples.
        for (input, channels, stride, groups) in
            [([3, 8, 8], 64, 1, 2), ([8, 4, 4], 32, 1, 1), ([4, 16, 16], 16, 2, 2), ([3, 5, 5], 16, 1, 2)]
        {
            for kind in [Statistics::Group, Statistics::Batch] {
                let out = (input[1] - 1) / stride + 1;
                let geometry = Geometry { input, output: [channels, out, out], kernel: 3, stride, padding: 1 };
                cases.push(behind_conv(geometry, kind, groups, how));
            }
        }
        // Rows that don't fill the tile; more parts than threads.
        for (input, channels) in [([3, 5, 5], 7), ([1, 70, 70], 3)] {
            let geometry = Geometry { input, output: [channels, input[1], input[2]], kernel: 3, stride: 1, padding: 1 };
            cases.push(behind_conv(geometry, Statistics::Batch, 1, how));
        }
    }
    cases
}

/// A convolution that leaves moments where it can, the statistics from them, and the elementwise pass.
fn behind_conv(g: Geometry, kind: Statistics, groups: u32, how: Option<Distribution>) -> Case {
    let groups = if kind == Statistics::Group { groups } else { 1 };
    let shape = (g.output[0], groups, g.pixels());
    let gaussian = if how == Some(Distribution::Gaussian) { 4e-5 } else { 0.0 };
    // The sum of a convolution and its mean over the values, about which it is taken; then as `forward`.
    let tolerance = 2.0 * rounding(g.depth() + 4) + rounding(2 * additions(kind, shape) + 20) + gaussian;
    Case::new(format!("{} {}", name("behind conv", kind, shape), text(how)), tolerance, move |f| {
        let scale_offset = g.output[0] * g.depth();
        let params = Params {
            channels: shape.0,
            groups,
            spatial: shape.2,
            scale_offset,
            bias_offset: scale_offset + shape.0,
            mean_offset: 0,
            variance_offset: 0,
            relu: 0,
            accumulate: 0,
        };
        let stride = (scale_offset + 2 * shape.0).next_multiple_of(64);
        let lanes = f.lanes(&ROWS, stride);
        let weights = f.random("weights", ROWS.len() * stride as usize);
        let mut blank = |name, values: u32| f.blank(name, (TOTAL * values) as usize);
        let (y, normed) = (blank("y", shape.0 * shape.2), blank("normed", shape.0 * shape.2));
        let kept = kept(f, kind, shape);
        let tiling = f.tiling();
        let moments = match kind {
            Statistics::Group => Moments::of_groups(tiling, &g, groups),
            _ => Some(Moments::of_channels(tiling, &g)),
        };
        let left = match moments {
            Some(moments) => Some((moments, f.blank("moments of parts", (TOTAL * moments.row) as usize))),
            None => None,
        };
        let io = Operands { weights, x: f.random("x", (TOTAL * g.input.iter().product::<u32>()) as usize), y };
        let product = Product { tiling, perturbed: how };
        let mut rec = Recording::new();
        let conv = conv::Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 1, relu: 0 };
        conv::record(&mut rec, &lanes, &product, &g, &conv, &io, left);
        rec.read_back(y);
        match left {
            Some(left) => norm::record_from_moments(&mut rec, &lanes, how, &params, weights, left, &kept),
            None => norm::record_statistics(&mut rec, &lanes, kind, how, &params, weights, weights, y, &kept),
        }
        if kind == Statistics::Batch {
            rec.read_back(kept.moments);
        }
        norm::record_apply(&mut rec, &lanes, kind, &params, y, kept.coefficients, None, normed);
        rec.read_back(normed);
        rec
    })
}

/// Additions in a row of one sum: a thread's share of the values, four at a time or one, and the tree.
fn additions(kind: Statistics, (channels, groups, spatial): (u32, u32, u32)) -> u32 {
    let values = match kind {
        Statistics::Group => channels / groups * spatial,
        Statistics::Batch => 9 * spatial,
        Statistics::Running => 0,
    };
    values.div_ceil(64) + 16
}

fn name(what: &str, kind: Statistics, (channels, groups, spatial): (u32, u32, u32)) -> String {
    format!("norm {what} {kind:?} {channels} channels {groups} groups {spatial} pixels").to_lowercase()
}

/// Statistics, coefficients, moments, the running update, and the elementwise pass with and without residual and ReLU.
fn forward(kind: Statistics, shape: (u32, u32, u32), how: Option<Distribution>) -> Case {
    // Two passes over the values and twenty operations more; x * a + b instead of (x - mean) * a cancels up to a few units more where
    // b is large; the gaussian's own bound is 1e-5 of z, an eighth of which is added.
    let gaussian = if how == Some(Distribution::Gaussian) { 2e-6 } else { 0.0 };
    let tolerance = rounding(2 * additions(kind, shape) + 20) + gaussian;
    Case::new(format!("{} {}", name("forward", kind, shape), text(how)), tolerance, move |f| {
        let mut norm = Norm::new(f, kind, shape);
        let residual = f.random("residual", norm.values());
        let y = f.blank("y", norm.values());
        let mut rec = Recording::new();
        let Kept { stats, coefficients, moments, .. } = norm.kept;
        let Norm { lanes, weights, running, x, .. } = norm;
        norm::record_statistics(&mut rec, &lanes, kind, how, &norm.params, weights, running, x, &norm.kept);
        rec.read_back(stats);
        rec.read_back(coefficients);
        for (relu, residual) in [(0, None), (1, Some(residual)), (1, None), (0, Some(residual))] {
            norm.params.relu = relu;
            norm::record_apply(&mut rec, &lanes, kind, &norm.params, x, coefficients, residual, y);
            rec.read_back(y);
        }
        if kind == Statistics::Batch {
            rec.read_back(moments);
            norm::record_running_update(&mut rec, &lanes, &norm.params, moments, running);
            rec.read_back(running);
        }
        rec
    })
}

/// Gradients of scale and bias, twice, and of the input.
fn backward(kind: Statistics, shape: (u32, u32, u32)) -> Case {
    // Sums over blocks of 8 samples, two of them, run twice; for the input, sums subtracted from each other.
    let tolerance = rounding(2 * (additions(kind, shape) + (8 * shape.2).div_ceil(64) + 16) + 20);
    Case::new(&name("backward", kind, shape), tolerance, move |f| {
        let mut norm = Norm::new(f, kind, shape);
        let (dy, dx) = (f.random("dy", norm.values()), f.blank("dx", norm.values()));
        let target = f.target(ROWS.len() * stride(shape.0) as usize, 9 * 2 * shape.0);
        let mut rec = Recording::new();
        let Norm { lanes, weights, running, x, .. } = norm;
        let stats = norm.kept.stats;
        norm::record_statistics(&mut rec, &lanes, kind, None, &norm.params, weights, running, x, &norm.kept);
        norm::record_grad_params(&mut rec, &lanes, kind, &norm.params, x, dy, stats, &target);
        norm::record_grad(&mut rec, &lanes, kind, &norm.params, weights, x, dy, stats, target.gradients, dx);
        norm.params.accumulate = 1;
        norm::record_grad_params(&mut rec, &lanes, kind, &norm.params, x, dy, stats, &target);
        rec.read_back(target.gradients);
        rec.read_back(dx);
        rec
    })
}
