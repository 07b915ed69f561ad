//! Chains of multiply-adds in registers (`shaders/lib/math.wgsl:chains`), of numbers of any type.

use super::Case;
use crate::recording::kernel::{Kernel, Params, Variant};
use crate::recording::{Recording, Span};

/// Multiply-adds of a thread in one iteration: 12 chains, 16 steps.
pub const MADDS_PER_ITERATION: u64 = 192;

/// Steps of a chain in so many iterations.
pub fn steps(iterations: u32) -> u64 {
    u64::from(iterations) * 16
}

/// Runs `groups` workgroups (at most 65,535) of 64 threads; `out` holds a number a thread. Returns the operations.
pub fn record<P: Params>(
    rec: &mut Recording,
    kernel: &'static Kernel,
    params: &P,
    iterations: u32,
    out: Span,
    groups: u32,
) -> u64 {
    let operations = u64::from(groups) * 64 * u64::from(iterations) * MADDS_PER_ITERATION * 2;
    rec.dispatch(kernel, Variant::plain(), params, &[out], [groups, 1, 1], operations);
    operations
}

/// Self-test cases: few steps, since an error grows with each, to `tolerance` of the number of iterations.
pub fn cases(
    kernel: &'static Kernel,
    tolerance: fn(u32) -> f64,
    record: fn(&mut Recording, Span, u32, u32) -> u64,
) -> Vec<Case> {
    let case = |(groups, iterations): (u32, u32)| {
        let name = format!("{} {groups} groups {iterations} iterations", kernel.name);
        Case::new(name, tolerance(iterations), move |f| {
            let out = f.blank("out", groups as usize * 64);
            let mut rec = Recording::new();
            record(&mut rec, out, groups, iterations);
            rec.read_back(out);
            rec
        })
    };
    [(1, 1), (3, 4)].map(case).into()
}
