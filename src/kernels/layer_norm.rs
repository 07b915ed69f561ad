//! Layer norm over the rows of a chunk, which are tokens where the lanes count tokens.

use super::lib::case::{gaussian_share, perturbation};
use super::lib::params::{Lane, Lanes, perturb};
use super::lib::tree::tree_sum;
use super::lib::weight::weights;
use super::lib::{Case, PERTURBED, rounding, values};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("layer_norm", twin);

/// Rows of a workgroup, `ROWS` of `shaders/lib/layers.wgsl:layer_norm`.
const ROWS: u32 = 32;

params! {
    /// Uniform block of this kernel and of the input's gradient.
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
    /// f32 of all rows.
    pub fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.dim)
    }

    /// Constants and grid of this kernel and of the input's gradient.
    pub fn launch(&self, lanes: &Lanes) -> (Variant, [u32; 3]) {
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
    let (variant, grid) = params.launch(lanes);
    let bound = [lanes.table, weights, x, y, stats];
    rec.dispatch(
        &KERNEL,
        variant.with("PERTURB", perturb(distribution)),
        params,
        &bound,
        grid,
        12 * params.values(lanes),
    );
}

/// Forward; keeps (mean, rstd) per row.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let perturb = call.variant.get("PERTURB", 0);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (mut y, mut stats) = (call.write::<f32>(4), call.write::<[f32; 2]>(5));
    let dim = p.dim as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = weights(&all, lane, perturb, p.scale_offset, p.dim);
        let bias = weights(&all, lane, perturb, p.bias_offset, p.dim);
        for row in lane.chunk_rows() {
            let x = &x[row * dim..][..dim];
            let mean = tree_sum(dim, |i| x[i]) / dim as f32;
            let variance = tree_sum(dim, |i| (x[i] - mean) * (x[i] - mean)) / dim as f32;
            let rstd = 1.0 / (variance + 1.0e-5).sqrt();
            stats[row] = [mean, rstd];
            for i in 0..dim {
                y[row * dim + i] = (x[i] - mean) * rstd * scale[i] + bias[i];
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        // One; single f32; quads at an odd flat index; several columns a thread.
        for (dim, offset) in [(1, 0), (67, 3), (64, 4), (132, 125), (516, 2)] {
            cases.push(case(how, dim, offset));
        }
    }
    cases
}

fn case(how: Option<Distribution>, dim: u32, offset: u32) -> Case {
    let name = format!("layer_norm {} {dim} at {offset}", perturbation(how));
    // Two passes over a row, each a tree of 64 threads, and twenty operations more.
    Case::new(name, rounding(2 * (dim.div_ceil(64) + 16) + 20) + gaussian_share(how), move |f| {
        let (rows, stride) = ([70, 1, 0, 9], 2 * dim + offset);
        let lanes = f.lanes(&rows, stride);
        let values = (80 * dim) as usize;
        let weights = f.random("weights", rows.len() * stride as usize);
        let (x, y, stats) = (f.random("x", values), f.blank("y", values), f.blank("stats", 160));
        let params = Params { dim, scale_offset: offset, bias_offset: offset + dim, accumulate: 0 };
        let mut rec = Recording::new();
        record(&mut rec, &lanes, how, &params, weights, x, y, stats);
        rec.read_back(y);
        rec.read_back(stats);
        rec
    })
}
