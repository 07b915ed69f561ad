//! Activation functions.

use std::f32::consts::FRAC_1_SQRT_2;

use super::lib::math::{erf_f32, rectify, tanh_f32};
use super::lib::values;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("activation", twin);

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// max(x, 0); its gradient needs the output.
    Relu,
    /// The exact gelu, by erf; its gradient needs the input.
    Gelu,
    /// tanh; its gradient needs the output.
    Tanh,
}

params! {
    /// Uniform block of this kernel and its gradient.
    pub struct Params {
        /// Values.
        pub count: u32,
    }
}

impl Function {
    /// Of this kernel and its gradient over `items` values; and how many f32 their `Value`s hold.
    pub fn variant(self, items: u64) -> (Variant, u32) {
        let (variant, width) = values::of(items);
        (variant.with("KIND", self as u32), width)
    }
}

/// Records `y = f(x)` over `count` values.
pub fn record(rec: &mut Recording, kind: Function, count: u32, x: Span, y: Span) {
    let items = u64::from(count);
    let (variant, width) = kind.variant(items);
    let grid = fold_grid(items / u64::from(width), 64);
    rec.dispatch(&KERNEL, variant, &Params { count }, &[x, y], grid, 10 * items);
}

/// relu, gelu or tanh.
fn twin(call: &Call<'_>) {
    let count = call.params::<Params>().count as usize;
    let kind = call.variant.get("KIND", 0);
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    for (y, &v) in y[..count].iter_mut().zip(&*x) {
        *y = match kind {
            0 => rectify(v),
            1 => 0.5 * v * (1.0 + erf_f32(v * FRAC_1_SQRT_2)),
            _ => tanh_f32(v),
        };
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Polynomials: their operations are fewer than 32, of falling weight.
    for (kind, tolerance) in [(Function::Relu, 0.0), (Function::Gelu, rounding(32)), (Function::Tanh, rounding(32))] {
        for count in [1, 1000, if kind == Function::Relu { 65_536 * 64 + 5 } else { 129 }, 4 * 65_537] {
            cases.push(Case::new(format!("activation {kind:?} {count}"), tolerance, move |f| {
                let x: Vec<f32> = f.values(count as usize).iter().map(|v| v * 5.0).collect();
                let (x, y) = (f.buffer("x", &x), f.blank("y", count as usize));
                let mut rec = Recording::new();
                record(&mut rec, kind, count, x, y);
                rec.read_back(y);
                rec
            }));
        }
    }
    cases
}
