//! Twins of `group_norm`, `group_norm_grad` and `group_norm_grad_params`.

use super::Call;
use super::sums::tree_sum;
use super::weight::weights;
use crate::kernels::group_norm::Params;
use crate::kernels::params::{Lane, SAMPLE_BLOCK};

/// Forward; saves (mean, rstd) per row and group.
pub fn group_norm(call: &Call<'_>) {
    let p: Params = call.params();
    let perturb = call.variant.get("PERTURB", 0);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (mut y, mut stats) = (call.write::<f32>(4), call.write::<[f32; 2]>(5));
    let (count, spatial) = ((p.channels / p.groups * p.spatial) as usize, p.spatial as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = weights(&all, lane, perturb, p.scale_offset, p.channels);
        let bias = weights(&all, lane, perturb, p.bias_offset, p.channels);
        for slice in slices(lane, &p) {
            let x = &x[slice * count..][..count];
            let mean = tree_sum(count, |i| x[i]) / count as f32;
            let variance = tree_sum(count, |i| (x[i] - mean) * (x[i] - mean)) / count as f32;
            let rstd = 1.0 / (variance + 1.0e-5).sqrt();
            stats[slice] = [mean, rstd];
            let channel0 = slice % p.groups as usize * (count / spatial);
            for i in 0..count {
                let c = channel0 + i / spatial;
                y[slice * count + i] = (x[i] - mean) * rstd * scale[c] + bias[c];
            }
        }
    }
}

/// Gradient of the input.
pub fn group_norm_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats) = (call.read::<f32>(4), call.read::<[f32; 2]>(5));
    let mut dx = call.write::<f32>(6);
    let (count, spatial) = ((p.channels / p.groups * p.spatial) as usize, p.spatial as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = &weights[(lane.weight_base + p.scale_offset) as usize..];
        for slice in slices(lane, &p) {
            let first = slice * count;
            let channel0 = slice % p.groups as usize * (count / spatial);
            let [mean, rstd] = stats[slice];
            let u = |i: usize| dy[first + i] * scale[channel0 + i / spatial];
            let h = |i: usize| (x[first + i] - mean) * rstd;
            let mean_u = tree_sum(count, u) / count as f32;
            let mean_uh = tree_sum(count, |i| u(i) * h(i)) / count as f32;
            for i in 0..count {
                dx[first + i] = rstd * (u(i) - mean_u - h(i) * mean_uh);
            }
        }
    }
}

/// Gradients of scale and bias.
pub fn group_norm_grad_params(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let stats = call.read::<[f32; 2]>(4);
    let mut gradients = call.write::<f32>(5);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        for c in 0..channels {
            let group = c / (channels / p.groups as usize);
            let scale_at = (lane.weight_base + p.scale_offset) as usize + c;
            let bias_at = (lane.weight_base + p.bias_offset) as usize + c;
            let mut total = if p.accumulate != 0 { [gradients[scale_at], gradients[bias_at]] } else { [0.0; 2] };
            for block in (0..lane.rows).step_by(SAMPLE_BLOCK as usize) {
                let items = SAMPLE_BLOCK.min(lane.rows - block) as usize * spatial;
                let row = |u: usize| (lane.row0 + block) as usize + u / spatial;
                let at = |u: usize| (row(u) * channels + c) * spatial + u % spatial;
                total[0] += tree_sum(items, |u| {
                    let [mean, rstd] = stats[row(u) * p.groups as usize + group];
                    dy[at(u)] * ((x[at(u)] - mean) * rstd)
                });
                total[1] += tree_sum(items, |u| dy[at(u)]);
            }
            [gradients[scale_at], gradients[bias_at]] = total;
        }
    }
}

/// Numbers of a lane's (row, group) pairs.
fn slices(lane: &Lane, p: &Params) -> std::ops::Range<usize> {
    let at = |row: u32| (row * p.groups) as usize;
    at(lane.row0)..at(lane.row0 + lane.rows)
}
