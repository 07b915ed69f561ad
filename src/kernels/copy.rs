//! Copies a buffer: the copy ceiling of the bench.

use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("copy", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// vec4 in each buffer.
        pub quads: u32,
    }
}

/// Copies `source` to `out`, spans of equal length, a multiple of 16 bytes, in different buffers.
pub fn record(rec: &mut Recording, source: Span, out: Span) {
    let quads = (out.bytes / 16) as u32;
    let grid = fold_grid(u64::from(quads), 1024);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { quads }, &[source, out], grid, u64::from(quads) * 8);
}

/// `out[i] = source[i]`.
fn twin(call: &Call<'_>) {
    let n = call.params::<Params>().quads as usize * 4;
    call.write::<u32>(2)[..n].copy_from_slice(&call.read::<u32>(1)[..n]);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |quads: usize| {
        Case::new(format!("copy {quads} quads"), 0.0, move |f| {
            let (source, out) = (f.random("source", 4 * quads), f.blank("out", 4 * quads));
            let mut rec = Recording::new();
            record(&mut rec, source, out);
            rec.read_back(out);
            rec
        })
    };
    [1, 1025, 5_000].map(case).into()
}
