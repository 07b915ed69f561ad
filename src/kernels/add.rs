//! Sums in place, for gradients that flow together.

use super::lib::values;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("add", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Values; a binding holds fewer than 2^32.
        pub count: u32,
    }
}

/// Records `to += from` over `count` f32.
pub fn record(rec: &mut Recording, count: u64, from: Span, to: Span) {
    let (variant, width) = values::of(count);
    let params = Params { count: count as u32 };
    rec.dispatch(&KERNEL, variant, &params, &[from, to], fold_grid(count / u64::from(width), 64), 4 * count);
}

/// `sum += x`.
fn twin(call: &Call<'_>) {
    let count = call.params::<Params>().count as usize;
    let x = call.read::<f32>(1);
    let mut sum = call.write::<f32>(2);
    for (sum, x) in sum[..count].iter_mut().zip(&*x) {
        *sum += x;
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |count: u64| {
        Case::new(format!("add {count}"), 0.0, move |f| {
            let (from, to) = (f.random("from", count as usize), f.random("to", count as usize));
            let mut rec = Recording::new();
            record(&mut rec, count, from, to);
            rec.read_back(to);
            rec
        })
    };
    [1, 1003, 65_536 * 64 + 5, 4 * 65_537].map(case).into()
}
