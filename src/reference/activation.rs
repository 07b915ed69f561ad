//! Twins of `activation` and `activation_grad`.

use std::f32::consts::FRAC_1_SQRT_2;

use super::math::{erf_f32, exp_f32, tanh_f32};
use crate::kernels::activation::Params;
use crate::recording::kernel::Call;

/// relu, gelu or tanh.
pub fn activation(call: &Call<'_>) {
    let count = call.params::<Params>().count as usize;
    let kind = call.variant.get("KIND", 0);
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    for (y, &v) in y[..count].iter_mut().zip(&*x) {
        *y = match kind {
            0 if v < 0.0 => 0.0,
            0 => v,
            1 => 0.5 * v * (1.0 + erf_f32(v * FRAC_1_SQRT_2)),
            _ => tanh_f32(v),
        };
    }
}

/// Their gradients: relu and tanh by the output, gelu by the input.
pub fn activation_grad(call: &Call<'_>) {
    let count = call.params::<Params>().count as usize;
    let kind = call.variant.get("KIND", 0);
    let (saved, dy) = (call.read::<f32>(1), call.read::<f32>(2));
    let mut dx = call.write::<f32>(3);
    for ((dx, &v), &g) in dx[..count].iter_mut().zip(&*saved).zip(&*dy) {
        *dx = match kind {
            0 if v > 0.0 => g,
            0 => 0.0,
            1 => {
                let cdf = 0.5 * (1.0 + erf_f32(v * FRAC_1_SQRT_2));
                let density = 0.398_942_3 * exp_f32(-0.5 * v * v);
                g * (cdf + v * density)
            }
            _ => g * (1.0 - v * v),
        };
    }
}
