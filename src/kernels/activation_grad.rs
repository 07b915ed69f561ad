//! Gradients of activation functions.

use std::f32::consts::FRAC_1_SQRT_2;

use super::activation::{Function, Params};
use super::lib::math::{erf_f32, exp_f32};
use super::lib::values;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("activation_grad", twin);

/// Records `dx` from `dy` and what the kind's gradient needs of the forward pass (`saved`).
pub fn record(rec: &mut Recording, kind: Function, count: u32, saved: Span, dy: Span, dx: Span) {
    let items = u64::from(count);
    let (variant, width) = kind.variant(items);
    let grid = fold_grid(items / u64::from(width), 64);
    rec.dispatch(&KERNEL, variant, &Params { count }, &[saved, dy, dx], grid, 10 * items);
}

/// Their gradients: relu and tanh by the output, gelu by the input.
fn twin(call: &Call<'_>) {
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

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, tolerance) in [(Function::Relu, 0.0), (Function::Gelu, rounding(64)), (Function::Tanh, rounding(4))] {
        for count in [1, 1000, if kind == Function::Relu { 65_536 * 64 + 5 } else { 129 }, 4 * 65_537] {
            cases.push(Case::new(format!("activation_grad {kind:?} {count}"), tolerance, move |f| {
                let n = count as usize;
                let (saved, dy, dx) = (f.random("saved", n), f.random("dy", n), f.blank("dx", n));
                let mut rec = Recording::new();
                record(&mut rec, kind, count, saved, dy, dx);
                rec.read_back(dx);
                rec
            }));
        }
    }
    cases
}
