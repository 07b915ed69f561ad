//! Gradient of the tokens of which only the first of each row goes on.

use super::class_token::{Params, SIZES};
use super::lib::params::Lanes;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("class_token_grad", twin);

/// Records `dx[row][0][d] = dy[row][d]` and 0 for the other tokens.
pub fn record(rec: &mut Recording, lanes: &Lanes, tokens: u32, dim: u32, dy: Span, dx: Span) {
    let params = Params { tokens, dim, rows: lanes.rows as u32 };
    let items = lanes.rows * u64::from(dim) * u64::from(tokens);
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[dy, dx], fold_grid(items, 64), 8 * items);
}

/// Its gradient: zero for other tokens.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let dy = call.read::<f32>(1);
    let mut dx = call.write::<f32>(2);
    let (dim, width) = (p.dim as usize, (p.tokens * p.dim) as usize);
    for row in 0..p.rows as usize {
        dx[row * width..][..width].fill(0.0);
        dx[row * width..][..dim].copy_from_slice(&dy[row * dim..][..dim]);
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(dim, tokens)| {
        Case::new(format!("class_token_grad {tokens} tokens of {dim}"), 0.0, move |f| {
            let lanes = f.lanes(&[20, 1, 0, 9], 0);
            let dy = f.random("dy", (30 * dim) as usize);
            let dx = f.blank("dx", (30 * tokens * dim) as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, tokens, dim, dy, dx);
            rec.read_back(dx);
            rec
        })
    };
    SIZES.map(case).into()
}
