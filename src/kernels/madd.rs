//! Multiply-adds in registers: the arithmetic ceiling of the bench.

use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("madd", reference::madd::madd);

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
