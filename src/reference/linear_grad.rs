//! Twins of `linear_grad_input`, `linear_grad_weight` and `bias_grad`.

use super::sums::tree_sum;
use crate::kernels::linear_grad::{BiasParams, InputParams, WeightParams};
use crate::kernels::params::{Lane, SAMPLE_BLOCK};
use crate::recording::kernel::Call;

/// `dx[row][k] = sum over o, ascending, of dy[row][o] W[o][k]`.
pub fn linear_grad_input(call: &Call<'_>) {
    let p: InputParams = call.params();
    let (lanes, weights, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut dx = call.write::<f32>(4);
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = &weights[lane.weight_base.wrapping_add(p.weight_offset) as usize..][..inputs * outputs];
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            let dx = &mut dx[row * inputs..][..inputs];
            dx.fill(0.0);
            for o in 0..outputs {
                let g = dy[row * outputs + o];
                for (dx, w) in dx.iter_mut().zip(&weight[o * inputs..]) {
                    *dx += g * w;
                }
            }
        }
    }
}

/// `dW[o][k] = sum over rows, by blocks, of dy[row][o] x[row][k]`.
pub fn linear_grad_weight(call: &Call<'_>) {
    let p: WeightParams = call.params();
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(3), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(4);
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let first = if p.from_batch != 0 { lane.x_row } else { lane.row0 } as usize;
        let gradient = &mut gradients[lane.weight_base.wrapping_add(p.weight_offset) as usize..][..inputs * outputs];
        for (i, total) in gradient.iter_mut().enumerate() {
            let (o, k) = (i / inputs, i % inputs);
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for block in blocks(lane) {
                let mut sum = 0.0;
                for s in block {
                    sum += dy[(lane.row0 as usize + s) * outputs + o] * x[(first + s) * inputs + k];
                }
                *total += sum;
            }
        }
    }
}

/// `db[o] = sum over rows, by blocks, and pixels of dy`.
pub fn bias_grad(call: &Call<'_>) {
    let p: BiasParams = call.params();
    let flat = call.variant.get("FLAT", 0) == 1;
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(3);
    let (outputs, spatial) = (p.outputs as usize, p.spatial as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        for o in 0..outputs {
            let total = &mut gradients[lane.weight_base.wrapping_add(p.bias_offset) as usize + o];
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for block in blocks(lane) {
                let at = |s: usize| ((lane.row0 as usize + block.start + s) * outputs + o) * spatial;
                let quads = spatial.div_ceil(4);
                let quad = |u: usize| {
                    let pixels = u % quads * 4..spatial.min(u % quads * 4 + 4);
                    pixels.fold(0.0, |sum, pixel| sum + dy[at(u / quads) + pixel])
                };
                *total += if flat {
                    (0..block.len()).fold(0.0, |sum, s| sum + dy[at(s)])
                } else {
                    tree_sum(block.len() * quads, quad)
                };
            }
        }
    }
}

/// The blocks of samples of a lane, as ranges of its rows.
pub(super) fn blocks(lane: &Lane) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
    let rows = lane.rows as usize;
    (0..rows).step_by(SAMPLE_BLOCK as usize).map(move |b| b..rows.min(b + SAMPLE_BLOCK as usize))
}
