//! The server's step towards the mean of clients' weights.

use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("server_step", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Weights.
        pub count: u32,
        /// Rate.
        pub lr: f32,
    }
}

/// Records `w += lr (acc - w)`, exactly `acc` where `lr` is 1.
pub fn record(rec: &mut Recording, count: u32, lr: f32, acc: Span, weights: Span) {
    let items = u64::from(count);
    let params = Params { count, lr };
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[acc, weights], fold_grid(items, 64), 3 * items);
}

/// `w += lr (acc - w)`, exactly `acc` where `lr` is 1.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (acc, mut weights) = (call.read::<f32>(1), call.write::<f32>(2));
    for (w, &mean) in weights[..p.count as usize].iter_mut().zip(&*acc) {
        *w = if p.lr == 1.0 { mean } else { *w + p.lr * (mean - *w) };
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lr): (u32, f32)| {
        let tolerance = if lr == 1.0 { 0.0 } else { rounding(3) };
        Case::new(format!("server_step {count} weights rate {lr}"), tolerance, move |f| {
            let (acc, weights) = (f.random("acc", count as usize), f.random("weights", count as usize));
            let mut rec = Recording::new();
            record(&mut rec, count, lr, acc, weights);
            rec.read_back(weights);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(1, 0.7), (1000, 0.3), (1000, 1.0), (65_536 * 64 + 5, 1.0)].map(case).into()
}
