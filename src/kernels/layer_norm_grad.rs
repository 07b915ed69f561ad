//! Gradients of layer norms' inputs.

use super::layer_norm::Params;
use super::lib::params::{Lane, Lanes};
use super::lib::tree::tree_sum;
use super::lib::{Case, rounding, values};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("layer_norm_grad", twin);

/// Records the gradient of the input from the forward pass's input `x`, its statistics, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    weights: Span,
    x: Span,
    dy: Span,
    stats: Span,
    dx: Span,
) {
    let (variant, grid) = params.launch(lanes);
    let bound = [lanes.table, weights, x, dy, stats, dx];
    rec.dispatch(&KERNEL, variant, params, &bound, grid, 14 * params.values(lanes));
}

/// Gradient of the input.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats) = (call.read::<f32>(4), call.read::<[f32; 2]>(5));
    let mut dx = call.write::<f32>(6);
    let dim = p.dim as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = &weights[lane.weight_base.wrapping_add(p.scale_offset) as usize..];
        for row in lane.chunk_rows() {
            let [mean, rstd] = stats[row];
            let u = |i: usize| dy[row * dim + i] * scale[i];
            let h = |i: usize| (x[row * dim + i] - mean) * rstd;
            let mean_u = tree_sum(dim, u) / dim as f32;
            let mean_uh = tree_sum(dim, |i| u(i) * h(i)) / dim as f32;
            for i in 0..dim {
                dx[row * dim + i] = rstd * (u(i) - mean_u - h(i) * mean_uh);
            }
        }
    }
}

/// Sizes of cases, of this kernel and the gradients of scale and bias: (dim, rows of a sample), which are samples, or tokens so many that
/// sums over them are split.
pub const SIZES: [(u32, u32); 6] = [(1, 1), (67, 1), (64, 1), (516, 1), (67, 67), (516, 130)];

/// Rows of a case's lanes.
pub fn case_rows(tokens: u32) -> [u32; 4] {
    let samples = if tokens == 1 { [70, 1, 0, 9] } else { [2, 1, 0, 9] };
    samples.map(|n| n * tokens)
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(dim, tokens): (u32, u32)| {
        // Trees of 64 threads over a row, subtracted from each other.
        let tolerance = rounding(2 * (dim.div_ceil(64) + 16) + 20);
        Case::new(format!("layer_norm_grad {dim} {tokens} tokens"), tolerance, move |f| {
            let (rows, stride) = (case_rows(tokens), 2 * dim + 3);
            let lanes = f.lanes(&rows, stride);
            let (total, values) = (lanes.rows as usize, lanes.rows as usize * dim as usize);
            let weights = f.random("weights", rows.len() * stride as usize);
            let (x, dy, dx) = (f.random("x", values), f.random("dy", values), f.blank("dx", values));
            let stats = f.random("stats", 2 * total);
            let params = Params { dim, scale_offset: 3, bias_offset: 3 + dim, accumulate: 0 };
            let mut rec = Recording::new();
            record(&mut rec, &lanes, &params, weights, x, dy, stats, dx);
            rec.read_back(dx);
            rec
        })
    };
    SIZES.map(case).into()
}
