//! Multiply-adds in registers: the arithmetic ceiling of the bench.

use super::lib::{Case, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("madd", twin);

/// Multiply-adds of a thread in one iteration: 12 chains, 16 steps.
pub const MADDS_PER_ITERATION: u64 = 192;

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

/// Runs `groups` workgroups (at most 65,535) of 64 threads; `out` holds an f32 a thread. Returns the floating-point operations.
pub fn record(rec: &mut Recording, out: Span, groups: u32, iterations: u32) -> u64 {
    let flops = u64::from(groups) * 64 * u64::from(iterations) * MADDS_PER_ITERATION * 2;
    let params = Params { b: 0.999, c: 0.001, iterations };
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[out], [groups, 1, 1], flops);
    flops
}

/// Twelve chains of `a = a * b + c` a thread; stores their sum.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let mut out = call.write::<f32>(1);
    for (thread, sum) in out.iter_mut().take(call.grid[0] as usize * 64).enumerate() {
        let mut a: [f32; 12] = std::array::from_fn(|k| thread as f32 + (k % 4) as f32 + (k / 4 * 4) as f32);
        for _ in 0..u64::from(params.iterations) * 16 {
            for x in &mut a {
                *x = *x * params.b + params.c;
            }
        }
        let lane = |k: usize| (a[k] + a[k + 4]) + a[k + 8];
        *sum = (lane(0) + lane(1)) + (lane(2) + lane(3));
    }
}

/// Self-test cases: few steps, since an error grows by two roundings a step.
pub fn cases() -> Vec<Case> {
    let case = |(groups, iterations): (u32, u32)| {
        let tolerance = rounding(2 * 16 * iterations + 6);
        Case::new(format!("madd {groups} groups {iterations} iterations"), tolerance, move |f| {
            let out = f.blank("out", groups as usize * 64);
            let mut rec = Recording::new();
            record(&mut rec, out, groups, iterations);
            rec.read_back(out);
            rec
        })
    };
    [(1, 1), (3, 4)].map(case).into()
}
