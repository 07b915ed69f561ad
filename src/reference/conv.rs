//! Twin of `conv`.

use super::Call;
use super::weight::weights;
use crate::kernels::conv::Params;
use crate::kernels::params::{ABSENT, Lane};

/// `y[row][o][oy][ox] = act((sum over (c, ky, kx), ascending, of W[o][c][ky][kx] x[row][c][oy stride + ky - pad][..]) + b[o])`, zeros outside
/// the image; bindings: lanes, weights, x, y.
pub fn conv(call: &Call<'_>) {
    let p: Params = call.params();
    let get = |name| call.variant.get(name, 1) as usize;
    let (channels, h, w, out_h, out_w) = (get("CHANNELS"), get("IN_H"), get("IN_W"), get("OUT_H"), get("OUT_W"));
    let (kernel_h, kernel_w, stride) = (get("KERNEL_H"), get("KERNEL_W"), get("STRIDE"));
    let padding = call.variant.get("PAD", 0) as usize;
    let (perturb, relu) = (call.variant.get("PERTURB", 0), call.variant.get("RELU", 0) == 1);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut y = call.write::<f32>(4);
    let (outputs, depth) = (p.outputs as usize, channels * kernel_h * kernel_w);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = weights(&all, lane, perturb, p.weight_offset, (outputs * depth) as u32);
        let bias = (p.bias_offset != ABSENT).then(|| weights(&all, lane, perturb, p.bias_offset, p.outputs));
        let first = if p.from_batch == 1 { lane.x_row } else { lane.row0 } as usize;
        for r in 0..lane.rows as usize {
            let x = &x[(first + r) * channels * h * w..][..channels * h * w];
            let y = &mut y[(lane.row0 as usize + r) * outputs * out_h * out_w..][..outputs * out_h * out_w];
            for (i, y) in y.iter_mut().enumerate() {
                let (o, oy, ox) = (i / (out_h * out_w), i / out_w % out_h, i % out_w);
                let mut sum = 0.0;
                for k in 0..depth {
                    let (c, ky, kx) = (k / (kernel_h * kernel_w), k / kernel_w % kernel_h, k % kernel_w);
                    // Wraps where the tap lies before the image, and then is outside too.
                    let iy = (oy * stride + ky).wrapping_sub(padding);
                    let ix = (ox * stride + kx).wrapping_sub(padding);
                    if iy < h && ix < w {
                        sum += weight[o * depth + k] * x[(c * h + iy) * w + ix];
                    }
                }
                let v = sum + bias.as_ref().map_or(0.0, |b| b[o]);
                *y = if relu && v < 0.0 { 0.0 } else { v };
            }
        }
    }
}
