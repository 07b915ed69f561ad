//! Values times a constant.

use super::lib::values;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("scale", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Values; a binding holds fewer than 2^32.
        pub count: u32,
        /// What they are multiplied by.
        pub factor: f32,
    }
}

/// Records `y = factor x` over `count` f32.
pub fn record(rec: &mut Recording, count: u32, factor: f32, x: Span, y: Span) {
    let (variant, width) = values::of(u64::from(count));
    let grid = fold_grid(u64::from(count / width), 64);
    rec.dispatch(&KERNEL, variant, &Params { count, factor }, &[x, y], grid, 4 * u64::from(count));
}

/// `y = factor x`.
fn twin(call: &Call<'_>) {
    let Params { count, factor } = call.params();
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    for (y, x) in y[..count as usize].iter_mut().zip(&*x) {
        *y = factor * x;
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |count: u32| {
        Case::new(format!("scale {count}"), 0.0, move |f| {
            let (x, y) = (f.random("x", count as usize), f.blank("y", count as usize));
            let mut rec = Recording::new();
            record(&mut rec, count, 1.0 / 0.3, x, y);
            rec.read_back(y);
            rec
        })
    };
    // The last but one just above 65,535 workgroups.
    [1, 1003, 65_536 * 64 + 5, 4 * 65_537].map(case).into()
}
