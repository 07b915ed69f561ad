//! The first token of each row.

use super::lib::params::Lanes;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("class_token", twin);

params! {
    /// Uniform block of this kernel and its gradient.
    pub struct Params {
        /// Tokens of a row.
        pub tokens: u32,
        /// f32 of a token.
        pub dim: u32,
        /// Rows.
        pub rows: u32,
    }
}

/// Records `y[row][d] = x[row][0][d]` for all rows of a chunk, `tokens` of `dim` f32 each.
pub fn record(rec: &mut Recording, lanes: &Lanes, tokens: u32, dim: u32, x: Span, y: Span) {
    let params = Params { tokens, dim, rows: lanes.rows as u32 };
    let items = lanes.rows * u64::from(dim);
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[x, y], fold_grid(items, 64), 8 * items);
}

/// The first token of each row.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    let (dim, width) = (p.dim as usize, (p.tokens * p.dim) as usize);
    for row in 0..p.rows as usize {
        y[row * dim..][..dim].copy_from_slice(&x[row * width..][..dim]);
    }
}

/// Sizes of cases, (dim, tokens), of this kernel and its gradient.
pub const SIZES: [(u32, u32); 3] = [(1, 2), (67, 10), (24, 31)];

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(dim, tokens)| {
        Case::new(format!("class_token {tokens} tokens of {dim}"), 0.0, move |f| {
            let lanes = f.lanes(&[20, 1, 0, 9], 0);
            let x = f.random("x", (30 * tokens * dim) as usize);
            let y = f.blank("y", (30 * dim) as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, tokens, dim, x, y);
            rec.read_back(y);
            rec
        })
    };
    SIZES.map(case).into()
}
