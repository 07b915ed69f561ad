//! Stores one value everywhere: the store ceiling of the bench.

use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("fill_constant", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// What is stored.
        pub value: f32,
        /// vec4 in the buffer.
        pub quads: u32,
    }
}

/// Sets the f32 of `out`, whose bytes are a multiple of 16, to `value`.
pub fn record(rec: &mut Recording, out: Span, value: f32) {
    let quads = (out.bytes / 16) as u32;
    let grid = fold_grid(u64::from(quads), 1024);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { value, quads }, &[out], grid, u64::from(quads) * 4);
}

/// `out[i] = value`.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    call.write::<f32>(1)[..params.quads as usize * 4].fill(params.value);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |quads: usize| {
        Case::new(format!("fill_constant {quads} quads"), 0.0, move |f| {
            let out = f.blank("out", 4 * quads);
            let mut rec = Recording::new();
            record(&mut rec, out, 0.75);
            rec.read_back(out);
            rec
        })
    };
    [1, 1025, 5_000].map(case).into()
}
