//! Images between channels first and channels last.

use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("transpose", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Rows.
        pub rows: u32,
        /// Of `x`, the slower dimension: channels where they come first.
        pub a: u32,
        /// Of `x`, the faster one.
        pub b: u32,
    }
}

/// Records `y` `[rows][b][a]` from `x` `[rows][a][b]`.
pub fn record(rec: &mut Recording, rows: u32, (a, b): (u32, u32), x: Span, y: Span) {
    let items = u64::from(rows) * u64::from(a) * u64::from(b);
    let params = Params { rows, a, b };
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[x, y], fold_grid(items, 64), 4 * items);
}

/// `y[row][b][a] = x[row][a][b]`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (a, b) = (p.a as usize, p.b as usize);
    let (x, mut y) = (call.read::<f32>(1), call.write::<f32>(2));
    for row in 0..p.rows as usize {
        for (i, j) in (0..a).flat_map(|i| (0..b).map(move |j| (i, j))) {
            y[(row * b + j) * a + i] = x[(row * a + i) * b + j];
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(rows, a, b): (u32, u32, u32)| {
        Case::new(format!("transpose {rows} rows of {a}x{b}"), 0.0, move |f| {
            let values = (rows * a * b) as usize;
            let (x, y) = (f.random("x", values), f.blank("y", values));
            let mut rec = Recording::new();
            record(&mut rec, rows, (a, b), x, y);
            rec.read_back(y);
            rec
        })
    };
    // One; no multiple of anything; more workgroups than a dimension has.
    [(1, 1, 1), (5, 3, 35), (7, 49, 6), (65_537, 32, 3)].map(case).into()
}
