//! Twins of `conv_grad_input` and `conv_grad_weight`.

use super::conv::geometry;
use crate::kernels::conv::Geometry;
use crate::kernels::conv_grad::{InputUniforms, WeightUniforms};
use crate::kernels::params::Lane;
use crate::kernels::parts::work;
use crate::recording::kernel::Call;

/// The input place under tap `k` of output `o`, if it lies in the image.
fn tap(o: usize, k: usize, g: &Geometry, size: u32) -> Option<usize> {
    let at = (o * g.stride as usize + k).checked_sub(g.padding as usize)?;
    (at < size as usize).then_some(at)
}

/// `dx[row][ic][iy][ix]`, summed over (ky, kx, oc) in this order.
pub fn conv_grad_input(call: &Call<'_>) {
    let (p, g) = (call.params::<InputUniforms>(), geometry(call));
    let ([c, h, w], [out_c, out_h, out_w]) = (g.input.map(|v| v as usize), g.output.map(|v| v as usize));
    let k = g.kernel as usize;
    let (lanes, weights, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut dx = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = &weights[lane.weight_base.wrapping_add(p.weight_offset) as usize..];
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            dx[row * c * h * w..][..c * h * w].fill(0.0);
            for (ky, kx) in (0..k * k).map(|i| (i / k, i % k)) {
                for oc in 0..out_c {
                    for (oy, ox) in (0..out_h * out_w).map(|i| (i / out_w, i % out_w)) {
                        let (Some(iy), Some(ix)) = (tap(oy, ky, &g, g.input[1]), tap(ox, kx, &g, g.input[2])) else {
                            continue;
                        };
                        let slope = dy[((row * out_c + oc) * out_h + oy) * out_w + ox];
                        for ic in 0..c {
                            dx[((row * c + ic) * h + iy) * w + ix] += slope * weight[((oc * c + ic) * k + ky) * k + kx];
                        }
                    }
                }
            }
        }
    }
}

/// `dW[oc][ic][ky][kx]`, summed over samples and output pixels, by parts.
pub fn conv_grad_weight(call: &Call<'_>) {
    let (p, g) = (call.params::<WeightUniforms>(), geometry(call));
    let ([c, h, w], [out_c, out_h, out_w]) = (g.input.map(|v| v as usize), g.output.map(|v| v as usize));
    let k = g.kernel as usize;
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(3), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(4);
    let (plane, size) = (out_w * out_h, out_c * c * k * k);
    let quads = plane.div_ceil(4);
    for work in work(&p.cut, &lanes, call.grid[2], size as u32) {
        let lane = work.lane;
        let first = if p.from_batch != 0 { lane.x_row } else { lane.row0 } as usize;
        let gradient = &mut gradients[work.base.wrapping_add(p.weight_offset) as usize..][..size];
        for (i, total) in gradient.iter_mut().enumerate() {
            let (oc, ic, ky, kx) = (i / (c * k * k), i / (k * k) % c, i / k % k, i % k);
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for part in &work.parts {
                let mut sum = 0.0;
                for unit in part.clone() {
                    let (s, quad) = (unit / quads, unit % quads * 4);
                    for u in quad..plane.min(quad + 4) {
                        let (oy, ox) = (u / out_w, u % out_w);
                        let (Some(iy), Some(ix)) = (tap(oy, ky, &g, g.input[1]), tap(ox, kx, &g, g.input[2])) else {
                            continue;
                        };
                        let slope = dy[((lane.row0 as usize + s) * out_c + oc) * plane + u];
                        sum += slope * x[(((first + s) * c + ic) * h + iy) * w + ix];
                    }
                }
                *total += sum;
            }
        }
    }
}
