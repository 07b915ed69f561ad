//! Multiply-adds of cooperative matrices in registers: their ceiling of the bench.

use super::lib::Case;
use super::lib::matrix::{EIGHTS, MATRIX, Multiply};
use crate::caps::AdapterInfo;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("matrix_madd", twin).with_defines(&[MATRIX, EIGHTS]);

/// Threads of a workgroup: four subgroups.
pub const THREADS: u32 = 128;

params! {
    /// The uniform block.
    pub struct Params {
        /// Value of the first matrix on the left.
        pub a: f32,
        /// Value of the first one on the right.
        pub b: f32,
        /// Iterations of 4 steps.
        pub iterations: u32,
    }
}

/// Runs `groups` workgroups (at most 65,535) of 128 threads; `out` holds an f32 a thread. Returns the floating-point operations.
pub fn record(rec: &mut Recording, info: &AdapterInfo, out: Span, groups: u32, iterations: u32) -> u64 {
    let variant = match Multiply::of(info) {
        Some(Multiply::Sixteens) => Variant::plain().define(MATRIX),
        Some(Multiply::Eights) => Variant::plain().define(MATRIX).define(EIGHTS),
        Some(Multiply::Emulated) | None => Variant::plain(),
    };
    // A multiply-add of matrices is two operations for each of the cube.
    let steps = u64::from(groups) * 4 * u64::from(iterations) * 4 * 8;
    let operations = steps * 2 * u64::from(size(&variant)).pow(3);
    let params = Params { a: 0.0625, b: 0.0625, iterations };
    rec.dispatch(&KERNEL, variant, &params, &[out], [groups, 1, 1], operations);
    operations
}

/// Rows, columns and depth of the matrices.
fn size(variant: &Variant) -> u32 {
    if variant.defines().contains(&EIGHTS) { 8 } else { 16 }
}

/// The sum over 2 x 4 chains of what so many steps add to an element.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let mut out = call.write::<f32>(1);
    let terms = 4 * params.iterations * size(call.variant);
    let chain = |i: u32| params.a * (i / 4 + 1) as f32 * (params.b * (i % 4 + 1) as f32) * terms as f32;
    let total = (0..8).map(chain).sum();
    out.iter_mut().take((call.grid[0] * THREADS) as usize).for_each(|sum| *sum = total);
}

/// Self-test cases: all values are whole 256ths, and sums have them without rounding.
pub fn cases() -> Vec<Case> {
    let case = |(groups, iterations): (u32, u32)| {
        Case::new(format!("matrix_madd {groups} groups {iterations} iterations"), 0.0, move |f| {
            let out = f.blank("out", (groups * THREADS) as usize);
            let mut rec = Recording::new();
            record(&mut rec, f.info(), out, groups, iterations);
            rec.read_back(out);
            rec
        })
    };
    [(1, 1), (3, 5)].map(case).into()
}
