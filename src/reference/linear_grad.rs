//! Twins of `linear_grad_input`, `linear_grad_weight` and `bias_grad`.

use std::ops::Range;

use super::sums::{team_sum, tree_sum};
use crate::kernels::linear_grad::{BiasUniforms, InputParams, WeightUniforms};
use crate::kernels::params::{Lane, SAMPLE_BLOCK};
use crate::kernels::parts::work;
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

/// `dW[o][k] = sum over rows, by parts and blocks, of dy[row][o] x[row][k]`.
pub fn linear_grad_weight(call: &Call<'_>) {
    let p: WeightUniforms = call.params();
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(3), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(4);
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for work in work(&p.cut, &lanes, call.grid[2], p.inputs * p.outputs) {
        let lane = work.lane;
        let first = if p.from_batch != 0 { lane.x_row } else { lane.row0 } as usize;
        let gradient = &mut gradients[work.base.wrapping_add(p.weight_offset) as usize..][..inputs * outputs];
        for (i, total) in gradient.iter_mut().enumerate() {
            let (o, k) = (i / inputs, i % inputs);
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for block in work.parts.iter().flat_map(|part| blocks(part.clone())) {
                let mut sum = 0.0;
                for s in block {
                    sum += dy[(lane.row0 as usize + s) * outputs + o] * x[(first + s) * inputs + k];
                }
                *total += sum;
            }
        }
    }
}

/// `db[o] = sum over rows and pixels of dy`, by parts.
pub fn bias_grad(call: &Call<'_>) {
    let p: BiasUniforms = call.params();
    let (flat, teams) = (call.variant.get("FLAT", 0) == 1, call.variant.get("ROW_TEAMS", 1) as usize);
    let (lanes, dy) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(3);
    let (outputs, spatial) = (p.outputs as usize, p.spatial as usize);
    let quads = spatial.div_ceil(4);
    for work in work(&p.cut, &lanes, call.grid[2], p.outputs) {
        for o in 0..outputs {
            let at = |s: usize| ((work.lane.row0 as usize + s) * outputs + o) * spatial;
            let quad = |u: usize| {
                let pixels = u % quads * 4..spatial.min(u % quads * 4 + 4);
                pixels.fold(0.0, |sum, pixel| sum + dy[at(u / quads) + pixel])
            };
            let total = &mut gradients[work.base.wrapping_add(p.bias_offset) as usize + o];
            if p.accumulate == 0 {
                *total = 0.0;
            }
            for part in &work.parts {
                *total += if flat {
                    team_sum(teams, part.len(), |i| dy[at(part.start + i)])
                } else {
                    tree_sum(part.len(), |i| quad(part.start + i))
                };
            }
        }
    }
}

/// Rows in blocks of [`SAMPLE_BLOCK`].
pub(super) fn blocks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let (first, end) = (rows.start, rows.end);
    (first..end).step_by(SAMPLE_BLOCK as usize).map(move |b| b..end.min(b + SAMPLE_BLOCK as usize))
}
