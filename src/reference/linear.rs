//! Twin of `shaders/linear.wgsl`.

use std::f32::consts::FRAC_1_SQRT_2;

use super::math::erf_f32;
use super::weight::weights;
use crate::kernels::linear::{GELU, Params, RELU};
use crate::kernels::params::{ABSENT, Lane};
use crate::recording::kernel::Call;

/// `y[row][o] = act(sum_k W[o][k] x[row][k] + b[o])`, plus the residual without an activation; the sum along k in ascending order.
pub fn linear(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, all, x, mut y) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3), call.write::<f32>(4));
    let perturb = call.variant.get("PERTURB", 0);
    let (added, residual) = (call.variant.get("RESIDUAL", 0) == 1, call.read::<f32>(5));
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for lane in lanes.iter().take(call.grid[2] as usize) {
        let matrix = weights(&all, lane, perturb, p.weight_offset, p.inputs * p.outputs);
        let bias = if p.bias_offset == ABSENT {
            vec![0.0; outputs]
        } else {
            weights(&all, lane, perturb, p.bias_offset, p.outputs)
        };
        let first = if p.from_batch == 1 { lane.x_row } else { lane.row0 } as usize;
        for row in 0..lane.rows as usize {
            let x = &x[(first + row) * inputs..][..inputs];
            let at = (lane.row0 as usize + row) * outputs;
            let y = &mut y[at..][..outputs];
            for o in 0..outputs {
                let sum = matrix[o * inputs..][..inputs].iter().zip(x).fold(0.0, |sum, (w, x)| sum + x * w) + bias[o];
                y[o] = match p.activation {
                    RELU => sum.max(0.0),
                    GELU => 0.5 * sum * (1.0 + erf_f32(sum * FRAC_1_SQRT_2)),
                    _ if added => sum + residual[at + o],
                    _ => sum,
                };
            }
        }
    }
}
