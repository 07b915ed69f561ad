//! Twins of `conv_grad_input` and `conv_grad_weight`.

use super::Call;
use super::linear_grad::blocks;
use super::sums::thread_sums;
use crate::kernels::conv_grad::Params;
use crate::kernels::params::Lane;

/// The input place under tap `k` of output `o`, if it lies in the image.
fn tap(o: usize, k: usize, p: &Params, size: u32) -> Option<usize> {
    let at = (o * p.stride as usize + k).checked_sub(p.padding as usize)?;
    (at < size as usize).then_some(at)
}

/// `dx[row][ic][iy][ix]`, summed over (ky, kx, oc) in this order.
pub fn conv_grad_input(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut dx = call.write::<f32>(4);
    let [c, h, w, out_c, out_h, out_w, k] = [p.c, p.h, p.w, p.out_c, p.out_h, p.out_w, p.kernel].map(|v| v as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = &weights[(lane.weight_base + p.weight_offset) as usize..];
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            dx[row * c * h * w..][..c * h * w].fill(0.0);
            for (ky, kx) in (0..k * k).map(|i| (i / k, i % k)) {
                for oc in 0..out_c {
                    for (oy, ox) in (0..out_h * out_w).map(|i| (i / out_w, i % out_w)) {
                        let (Some(iy), Some(ix)) = (tap(oy, ky, &p, p.h), tap(ox, kx, &p, p.w)) else {
                            continue;
                        };
                        let g = dy[((row * out_c + oc) * out_h + oy) * out_w + ox];
                        for ic in 0..c {
                            dx[((row * c + ic) * h + iy) * w + ix] += g * weight[((oc * c + ic) * k + ky) * k + kx];
                        }
                    }
                }
            }
        }
    }
}

/// `dW[oc][ic][ky][kx]`: per block, 64 sums of the items t, t + 64, ..., added in order.
pub fn conv_grad_weight(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut gradients = call.write::<f32>(4);
    let [c, h, w, out_c, out_w, k] = [p.c, p.h, p.w, p.out_c, p.out_w, p.kernel].map(|v| v as usize);
    let plane = out_w * p.out_h as usize;
    for lane in &lanes[..call.grid[2] as usize] {
        let first = if p.from_batch != 0 { lane.x_row } else { lane.row0 } as usize;
        let gradient = &mut gradients[(lane.weight_base + p.weight_offset) as usize..][..out_c * c * k * k];
        for (i, total) in gradient.iter_mut().enumerate() {
            let (oc, ic, ky, kx) = (i / (c * k * k), i / (k * k) % c, i / k % k, i % k);
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for block in blocks(lane) {
                let sums = thread_sums(block.len() * plane, |u| {
                    let (s, oy, ox) = (block.start + u / plane, u % plane / out_w, u % out_w);
                    let value = match (tap(oy, ky, &p, p.h), tap(ox, kx, &p, p.w)) {
                        (Some(iy), Some(ix)) => x[(((first + s) * c + ic) * h + iy) * w + ix],
                        _ => 0.0,
                    };
                    dy[((lane.row0 as usize + s) * out_c + oc) * plane + u % plane] * value
                });
                *total += sums.iter().fold(0.0, |a, b| a + b);
            }
        }
    }
}
