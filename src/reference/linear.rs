//! Twin of `linear`.

use super::Call;
use super::weight::weights;
use crate::kernels::linear::Params;
use crate::kernels::params::{ABSENT, Lane};

/// `y[row][o] = act((sum over k, ascending, of W[o][k] x[row][k]) + b[o])`; bindings: lanes, weights, x, y.
pub fn linear(call: &Call<'_>) {
    let p: Params = call.params();
    let (perturb, relu) = (call.variant.get("PERTURB", 0), call.variant.get("RELU", 0) == 1);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut y = call.write::<f32>(4);
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = weights(&all, lane, perturb, p.weight_offset, p.inputs * p.outputs);
        let bias = (p.bias_offset != ABSENT).then(|| weights(&all, lane, perturb, p.bias_offset, p.outputs));
        let first = if p.from_batch == 1 { lane.x_row } else { lane.row0 } as usize;
        for r in 0..lane.rows as usize {
            let x = &x[(first + r) * inputs..][..inputs];
            for o in 0..outputs {
                let mut sum = 0.0;
                for k in 0..inputs {
                    sum += weight[o * inputs + k] * x[k];
                }
                let v = sum + bias.as_ref().map_or(0.0, |b| b[o]);
                y[(lane.row0 as usize + r) * outputs + o] = if relu && v < 0.0 { 0.0 } else { v };
            }
        }
    }
}
