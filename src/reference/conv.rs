//! Twins of `shaders/conv.wgsl`, and of the same with moments.

use super::weight::weights;
use crate::kernels::conv::{Geometry, Params};
use crate::kernels::params::{ABSENT, Lane};
use crate::recording::kernel::Call;

/// The geometry in a launch's constants.
pub fn geometry(call: &Call<'_>) -> Geometry {
    let get = |name| call.variant.get(name, 1);
    Geometry {
        input: [get("IN_C"), get("IN_H"), get("IN_W")],
        output: [get("OUT_C"), get("OUT_H"), get("OUT_W")],
        kernel: get("KERNEL"),
        stride: get("STRIDE"),
        padding: call.variant.get("PADDING", 0),
    }
}

/// Each output is the sum over (c, i, j) in ascending order, then plus the bias.
pub fn conv(call: &Call<'_>) {
    let p: Params = call.params();
    let g = geometry(call);
    let (lanes, all, x, mut y) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3), call.write::<f32>(4));
    let perturb = call.variant.get("PERTURB", 0);
    let [ic, ih, iw] = g.input.map(|n| n as usize);
    let [oc, oh, ow] = g.output.map(|n| n as usize);
    let (k, stride, padding) = (g.kernel as usize, g.stride as usize, g.padding as usize);
    for lane in lanes.iter().take(call.grid[2] as usize) {
        let filters = weights(&all, lane, perturb, p.weight_offset, (oc * ic * k * k) as u32);
        let bias = if p.bias_offset == ABSENT {
            vec![0.0; oc]
        } else {
            weights(&all, lane, perturb, p.bias_offset, oc as u32)
        };
        let first = if p.from_batch == 1 { lane.x_row } else { lane.row0 } as usize;
        for row in 0..lane.rows as usize {
            let x = &x[(first + row) * ic * ih * iw..][..ic * ih * iw];
            let y = &mut y[(lane.row0 as usize + row) * oc * oh * ow..][..oc * oh * ow];
            for (i, value) in y.iter_mut().enumerate() {
                let (o, top, left) = (i / (oh * ow), i / ow % oh * stride, i % ow * stride);
                let mut sum = 0.0;
                for (tap, w) in filters[o * ic * k * k..][..ic * k * k].iter().enumerate() {
                    let (c, row, column) = (tap / (k * k), top + tap / k % k, left + tap % k);
                    let inside = (padding..padding + ih).contains(&row) && (padding..padding + iw).contains(&column);
                    if inside {
                        sum += x[(c * ih + row - padding) * iw + column - padding] * w;
                    }
                }
                sum += bias[o];
                *value = if p.relu == 1 { sum.max(0.0) } else { sum };
            }
        }
    }
}

/// Mean and sum of squared deviations.
fn moments(values: &[f32]) -> [f32; 2] {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    [mean, values.iter().map(|v| (v - mean) * (v - mean)).sum()]
}

/// The convolution, then the moments of each part: a thread's channels, of its columns those of one segment.
pub fn conv_group_moments(call: &Call<'_>) {
    conv(call);
    let g = geometry(call);
    let get = |name| call.variant.get(name, 1) as usize;
    let (lanes, segment, rows) = (get("LANES"), get("SEGMENT"), get("TILE_O") * get("SHARE"));
    let (channels, pixels) = (g.output[0] as usize, g.pixels() as usize);
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    let (a_row, segments) = (channels * pixels / (rows * segment), pixels / (segment * lanes));
    for lane in table.iter().take(call.grid[2] as usize) {
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            for (part, to) in parts[row * a_row..][..a_row].iter_mut().enumerate() {
                let (thread, block) = (part % lanes, part / lanes);
                let (first, q) = (block / segments * rows, block % segments * segment * lanes);
                let columns =
                    |o: usize| (0..segment).map(move |p| (row * channels + o) * pixels + q + p * lanes + thread);
                let values: Vec<f32> = (first..first + rows).flat_map(columns).map(|at| y[at]).collect();
                *to = moments(&values);
            }
        }
    }
}

/// The convolution, then the moments of each part: a channel's columns of a tile.
pub fn conv_channel_moments(call: &Call<'_>) {
    conv(call);
    let g = geometry(call);
    let get = |name| call.variant.get(name, 1) as usize;
    let (channels, pixels, tile) = (g.output[0] as usize, g.pixels() as usize, get("LANES") * get("TILE_Q"));
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    for lane in table.iter().take(call.grid[2] as usize) {
        let (row0, columns) = (lane.row0 as usize, lane.rows as usize * pixels);
        let tiles = columns.div_ceil(tile);
        let own = &mut parts[row0 * pixels.div_ceil(tile) * channels..][..channels * tiles];
        for (part, to) in own.iter_mut().enumerate() {
            let (c, first) = (part / tiles, part % tiles * tile);
            let at = |q: usize| ((row0 + q / pixels) * channels + c) * pixels + q % pixels;
            let values: Vec<f32> = (first..columns.min(first + tile)).map(|q| y[at(q)]).collect();
            *to = moments(&values);
        }
    }
}
