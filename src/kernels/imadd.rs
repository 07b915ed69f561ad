//! Multiply-adds of u32 in registers: the integer ceiling of the bench.

use super::lib::{Case, chains};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("imadd", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Factor of a step.
        pub b: u32,
        /// Summand of a step.
        pub c: u32,
        /// Iterations of 16 steps.
        pub iterations: u32,
    }
}

/// As [`chains::record`]; returns the integer operations.
pub fn record(rec: &mut Recording, out: Span, groups: u32, iterations: u32) -> u64 {
    chains::record(rec, &KERNEL, &Params { b: 0x9e37_79b1, c: 0x7f4a_7c15, iterations }, iterations, out, groups)
}

/// Twelve chains of `a = a * b + c` a thread, modulo 2^32; stores their sum.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let mut out = call.write::<u32>(1);
    for (thread, sum) in out.iter_mut().take(call.grid[0] as usize * 64).enumerate() {
        *sum = (0..12u32).fold(0, |sum: u32, chain| {
            let step = |a: u32, _| a.wrapping_mul(params.b).wrapping_add(params.c);
            sum.wrapping_add((0..chains::steps(params.iterations)).fold(thread as u32 + chain, step))
        });
    }
}

/// Self-test cases: every bit must agree.
pub fn cases() -> Vec<Case> {
    chains::cases(&KERNEL, |_| 0.0, record)
}
