//! Twins of the norms over images (`kernels::norm`).

use std::ops::Range;

use super::sums::tree_sum;
use super::weight::weights;
use crate::kernels::norm::{GradUniforms, Params};
use crate::kernels::params::Lane;
use crate::kernels::parts::work;
use crate::recording::kernel::Call;

const EPS: f32 = 1.0e-5;

/// Mean of `count` values, and their sum of squares about it.
fn moments(count: usize, x: impl Fn(usize) -> f32) -> (f32, f32) {
    let mean = tree_sum(count, &x) / count as f32;
    (mean, tree_sum(count, |i| (x(i) - mean) * (x(i) - mean)))
}

/// What is kept of statistics: (mean, rstd).
fn kept(mean: f32, variance: f32) -> [f32; 2] {
    [mean, 1.0 / (variance + EPS).sqrt()]
}

/// Coefficients (a, b) with y = x a + b.
fn affine([mean, rstd]: [f32; 2], scale: f32, bias: f32) -> [f32; 2] {
    let a = rstd * scale;
    [a, bias - mean * a]
}

/// A lane's scales and biases, perturbed as the launch wants.
fn scale_and_bias(call: &Call<'_>, p: &Params, all: &[f32], lane: &Lane) -> [Vec<f32>; 2] {
    let perturb = call.variant.get("PERTURB", 0);
    [p.scale_offset, p.bias_offset].map(|offset| weights(all, lane, perturb, offset, p.channels))
}

/// Stores pairs, one binding after another: they may lie in one buffer.
fn store(call: &Call<'_>, binding: usize, pairs: &[(usize, [f32; 2])]) {
    let mut out = call.write::<[f32; 2]>(binding);
    for &(at, pair) in pairs {
        out[at] = pair;
    }
}

/// Stores statistics per row and group, as `stat` gives them by slice, and coefficients per row and channel.
fn keep_groups(call: &Call<'_>, p: &Params, stat: impl Fn(usize) -> [f32; 2]) {
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

/// Statistics and coefficients of group norm from its input.
pub fn group_norm_stats(call: &Call<'_>) {
    let p: Params = call.params();
    // Copied: what is stored may lie in the same buffer.
    let x = call.read::<f32>(3).to_vec();
    let count = (p.channels / p.groups * p.spatial) as usize;
    keep_groups(call, &p, |slice| {
        let x = &x[slice * count..][..count];
        let (mean, squares) = moments(count, |i| x[i]);
        kept(mean, squares / count as f32)
    });
}

/// The same from the moments of parts.
pub fn group_norm_moments(call: &Call<'_>) {
    let p: Params = call.params();
    let parts = call.read::<[f32; 2]>(3).to_vec();
    let (count, values) = (call.variant.get("PARTS", 1) as usize, call.variant.get("PART_VALUES", 1) as f32);
    keep_groups(call, &p, |slice| {
        let parts = &parts[slice * count..][..count];
        let mean = parts.iter().map(|part| part[0]).sum::<f32>() / count as f32;
        let squares = |[of, squares]: &[f32; 2]| squares + values * (of - mean) * (of - mean);
        let variance = parts.iter().map(squares).sum::<f32>() / (count as f32 * values);
        kept(mean, variance)
    });
}

/// Stores statistics, coefficients and moments per lane and channel, as `stat` gives mean and sum of squared deviations.
fn keep_channels(call: &Call<'_>, p: &Params, stat: impl Fn(&Lane, usize) -> (f32, f32)) {
    let (lanes, all) = (call.read::<Lane>(1), call.read::<f32>(2));
    let (mut stats, mut coefficients, mut moments) = (Vec::new(), Vec::new(), Vec::new());
    let channels = p.channels as usize;
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate().filter(|(_, lane)| lane.rows > 0) {
        let [scale, bias] = scale_and_bias(call, p, &all, lane);
        let count = (lane.rows * p.spatial) as f32;
        for c in 0..channels {
            let (mean, squares) = stat(lane, c);
            let stat = kept(mean, squares / count);
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

/// Moments of parts of batch norm's input.
pub fn batch_norm_stats(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, x) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    let columns = call.variant.get("PART_COLUMNS", 4) as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let (row0, values) = (lane.row0 as usize, lane.rows as usize * spatial);
        let parts = values.div_ceil(columns);
        for (c, part) in (0..channels).flat_map(|c| (0..parts).map(move |part| (c, part))) {
            let first = part * columns;
            let value = |i: usize| x[((row0 + (first + i) / spatial) * channels + c) * spatial + (first + i) % spatial];
            let (mean, squares) = moments(columns.min(values - first), value);
            out[row0 * spatial.div_ceil(columns) * channels + c * parts + part] = [mean, squares];
        }
    }
}

/// Statistics, coefficients and moments of batch norm from the moments of parts.
pub fn batch_norm_moments(call: &Call<'_>) {
    let p: Params = call.params();
    let moments = call.read::<[f32; 2]>(3).to_vec();
    let columns = call.variant.get("PART_COLUMNS", 1);
    keep_channels(call, &p, |lane, c| {
        let values = lane.rows * p.spatial;
        let parts = values.div_ceil(columns) as usize;
        let first = (lane.row0 * p.spatial.div_ceil(columns) * p.channels) as usize + c * parts;
        let of = |i: usize| (moments[first + i], columns.min(values - i as u32 * columns) as f32);
        let mean = (0..parts).map(of).map(|([mean, _], n)| mean * n).sum::<f32>() / values as f32;
        let about = |([of, squares], n): ([f32; 2], f32)| squares + n * (of - mean) * (of - mean);
        (mean, (0..parts).map(of).map(about).sum())
    });
}

/// Statistics and coefficients per lane and channel from the running statistics.
pub fn running_norm_stats(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, all, running) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (mut stats, mut coefficients) = (Vec::new(), Vec::new());
    let channels = p.channels as usize;
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        let [scale, bias] = scale_and_bias(call, &p, &all, lane);
        for c in 0..channels {
            let of = |offset: u32| running[lane.weight_base.wrapping_add(offset) as usize + c];
            let stat = kept(of(p.mean_offset), of(p.variance_offset));
            stats.push((l * channels + c, stat));
            coefficients.push((l * channels + c, affine(stat, scale[c], bias[c])));
        }
    }
    drop((lanes, all, running));
    store(call, 4, &stats);
    store(call, 5, &coefficients);
}

/// `y = act(x a + b [+ residual])`.
pub fn norm_apply(call: &Call<'_>) {
    let p: Params = call.params();
    let (by_row, with_residual) = (call.variant.get("BY_ROW", 1) == 1, call.variant.get("RESIDUAL", 0) == 1);
    let (lanes, x, residual) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let coefficients = call.read::<[f32; 2]>(4);
    let mut y = call.write::<f32>(5);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        for plane in slices(lane, p.channels) {
            let [a, b] = coefficients[if by_row { plane } else { l * channels + plane % channels }];
            for i in plane * spatial..(plane + 1) * spatial {
                let v = x[i] * a + b + if with_residual { residual[i] } else { 0.0 };
                y[i] = if p.relu == 1 && v < 0.0 { 0.0 } else { v };
            }
        }
    }
}

/// Gradients of scale and bias, by parts.
pub fn norm_grad_params(call: &Call<'_>) {
    let p: GradUniforms = call.params();
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

/// Gradient of group norm's input.
pub fn group_norm_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats) = (call.read::<f32>(4), call.read::<[f32; 2]>(5));
    let mut dx = call.write::<f32>(6);
    let (count, spatial) = ((p.channels / p.groups * p.spatial) as usize, p.spatial as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = &weights[lane.weight_base.wrapping_add(p.scale_offset) as usize..];
        for slice in slices(lane, p.groups) {
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

/// Gradient of batch norm's input.
pub fn batch_norm_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let running = call.variant.get("RUNNING", 0) == 1;
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats, gradients) = (call.read::<f32>(4), call.read::<[f32; 2]>(5), call.read::<f32>(6));
    let mut dx = call.write::<f32>(7);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        let count = (lane.rows * p.spatial) as f32;
        for plane in slices(lane, p.channels) {
            let c = plane % channels;
            let [mean, rstd] = stats[l * channels + c];
            let scale_at = lane.weight_base.wrapping_add(p.scale_offset) as usize + c;
            let bias_at = lane.weight_base.wrapping_add(p.bias_offset) as usize + c;
            for i in plane * spatial..(plane + 1) * spatial {
                let mut g = dy[i];
                if !running {
                    g -= gradients[bias_at] / count + (x[i] - mean) * rstd * (gradients[scale_at] / count);
                }
                dx[i] = rstd * weights[scale_at] * g;
            }
        }
    }
}

/// Running statistics, one step on.
pub fn running_update(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, moments) = (call.read::<Lane>(1), call.read::<[f32; 2]>(2));
    let mut running = call.write::<f32>(3);
    let channels = p.channels as usize;
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate().filter(|(_, lane)| lane.rows > 0) {
        for c in 0..channels {
            for (offset, moment) in [p.mean_offset, p.variance_offset].into_iter().zip(moments[l * channels + c]) {
                let value = &mut running[lane.weight_base.wrapping_add(offset) as usize + c];
                *value = 0.9 * *value + 0.1 * moment;
            }
        }
    }
}

/// Numbers of a lane's (row, i) pairs, i below `per_row`.
fn slices(lane: &Lane, per_row: u32) -> Range<usize> {
    let at = |row: u32| (row * per_row) as usize;
    at(lane.row0)..at(lane.row0 + lane.rows)
}
