//! Integer multiply-adds in registers: the integer ceiling of the bench.

use super::lib::Case;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("imadd", twin);

/// Multiply-adds of a thread in one iteration: 12 chains, 16 steps.
pub const MADDS_PER_ITERATION: u64 = 192;

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

/// Runs `groups` workgroups (at most 65,535) of 64 threads; `out` holds a u32 a thread. Returns the integer operations.
pub fn record(rec: &mut Recording, out: Span, groups: u32, iterations: u32) -> u64 {
    let operations = u64::from(groups) * 64 * u64::from(iterations) * MADDS_PER_ITERATION * 2;
    let params = Params { b: 0x9e37_79b1, c: 0x7f4a_7c15, iterations };
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[out], [groups, 1, 1], operations);
    operations
}

/// Twelve chains of `a = a * b + c` a thread, modulo 2^32; stores their sum.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let mut out = call.write::<u32>(1);
    for (thread, sum) in out.iter_mut().take(call.grid[0] as usize * 64).enumerate() {
        *sum = (0..12u32).fold(0, |sum: u32, chain| {
            let steps = 0..u64::from(params.iterations) * 16;
            let step = |a: u32, _| a.wrapping_mul(params.b).wrapping_add(params.c);
            sum.wrapping_add(steps.fold(thread as u32 + chain, step))
        });
    }
}

/// Self-test cases: every bit must agree.
pub fn cases() -> Vec<Case> {
    let case = |(groups, iterations): (u32, u32)| {
        Case::new(format!("imadd {groups} groups {iterations} iterations"), 0.0, move |f| {
            let out = f.blank("out", groups as usize * 64);
            let mut rec = Recording::new();
            record(&mut rec, out, groups, iterations);
            rec.read_back(out);
            rec
        })
    };
    [(1, 1), (3, 4)].map(case).into()
}
