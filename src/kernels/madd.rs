//! Multiply-adds of f32 in registers: the arithmetic ceiling of the bench.

use super::lib::{Case, chains, rounding};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("madd", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Factor of a step.
        pub b: f32,
        /// Summand of a step.
        pub c: f32,
        /// Iterations of 16 steps.
        pub iterations: u32,
    }
}

/// As [`chains::record`]; returns the floating-point operations.
pub fn record(rec: &mut Recording, out: Span, groups: u32, iterations: u32) -> u64 {
    chains::record(rec, &KERNEL, &Params { b: 0.999, c: 0.001, iterations }, iterations, out, groups)
}

/// Twelve chains of `a = a * b + c` a thread; stores their sum.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let mut out = call.write::<f32>(1);
    for (thread, sum) in out.iter_mut().take(call.grid[0] as usize * 64).enumerate() {
        let mut a: [f32; 12] = std::array::from_fn(|k| thread as f32 + (k % 4) as f32 + (k / 4 * 4) as f32);
        for _ in 0..chains::steps(params.iterations) {
            for x in &mut a {
                *x = *x * params.b + params.c;
            }
        }
        let lane = |k: usize| (a[k] + a[k + 4]) + a[k + 8];
        *sum = (lane(0) + lane(1)) + (lane(2) + lane(3));
    }
}

/// Self-test cases: two roundings a step.
pub fn cases() -> Vec<Case> {
    chains::cases(&KERNEL, |iterations| rounding(2 * 16 * iterations + 6), record)
}
