//! Twins of the kernels of layer norm.

use super::sums::{team_sum, tree_sum};
use super::weight::weights;
use crate::kernels::layer_norm::{GradUniforms, Params};
use crate::kernels::params::Lane;
use crate::kernels::parts::work;
use crate::recording::kernel::Call;

/// Forward; keeps (mean, rstd) per row.
pub fn layer_norm(call: &Call<'_>) {
    let p: Params = call.params();
    let perturb = call.variant.get("PERTURB", 0);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (mut y, mut stats) = (call.write::<f32>(4), call.write::<[f32; 2]>(5));
    let dim = p.dim as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = weights(&all, lane, perturb, p.scale_offset, p.dim);
        let bias = weights(&all, lane, perturb, p.bias_offset, p.dim);
        for row in rows(lane) {
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

/// Gradient of the input.
pub fn layer_norm_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats) = (call.read::<f32>(4), call.read::<[f32; 2]>(5));
    let mut dx = call.write::<f32>(6);
    let dim = p.dim as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = &weights[lane.weight_base.wrapping_add(p.scale_offset) as usize..];
        for row in rows(lane) {
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

/// Gradients of scale and bias, by parts.
pub fn layer_norm_grad_params(call: &Call<'_>) {
    let p: GradUniforms = call.params();
    let teams = call.variant.get("ROW_TEAMS", 1) as usize;
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let stats = call.read::<[f32; 2]>(4);
    let mut gradients = call.write::<f32>(5);
    let dim = p.dim as usize;
    for work in work(&p.cut, &lanes, call.grid[2], 2 * p.dim) {
        for i in 0..dim {
            let scale_at = work.base.wrapping_add(p.scale_offset) as usize + i;
            let bias_at = work.base.wrapping_add(p.bias_offset) as usize + i;
            let mut total = if p.accumulate != 0 { [gradients[scale_at], gradients[bias_at]] } else { [0.0; 2] };
            for part in &work.parts {
                let row = |r: usize| work.lane.row0 as usize + part.start + r;
                total[0] += team_sum(teams, part.len(), |r| {
                    let [mean, rstd] = stats[row(r)];
                    dy[row(r) * dim + i] * ((x[row(r) * dim + i] - mean) * rstd)
                });
                total[1] += team_sum(teams, part.len(), |r| dy[row(r) * dim + i]);
            }
            [gradients[scale_at], gradients[bias_at]] = total;
        }
    }
}

/// A lane's rows of the chunk.
pub(super) fn rows(lane: &Lane) -> std::ops::Range<usize> {
    lane.row0 as usize..(lane.row0 + lane.rows) as usize
}
