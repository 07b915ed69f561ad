//! Fingerprint of a weight vector: order-free sums of mixed bits (perturbation-stream, Ledger).

use super::{fold_grid, vec4_bytes};
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{BufferId, Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("fingerprint", reference::fingerprint::fingerprint);

params! {
    /// The uniform block.
    pub struct Params {
        /// Elements that are bound.
        pub weights: u32,
        /// Index of the first of them in the weight vector, a multiple of 4.
        pub first: u32,
    }
}

/// Adds up the fingerprint of `params` f32 that lie `offset` bytes (aligned as bindings are) into `weights`, which has room for
/// [`vec4_bytes`]`(params)` there. `sums` gets two u32, low word first, and the count of what isn't finite; it is cleared here.
pub fn record(rec: &mut Recording, weights: BufferId, offset: u64, params: u32, sums: Span) {
    rec.clear(sums);
    record_part(rec, weights, offset, 0, params, sums);
}

/// As [`record`], of a vector's elements from `first` (a multiple of 4) on, and added to what `sums` holds.
pub fn record_part(rec: &mut Recording, weights: BufferId, offset: u64, first: u32, params: u32, sums: Span) {
    let bindings = [Span { buffer: weights, offset, bytes: vec4_bytes(params) }, sums];
    let grid = fold_grid(u64::from(params.div_ceil(4)), 1024);
    rec.dispatch(
        &KERNEL,
        Variant::plain(),
        &Params { weights: params, first },
        &bindings,
        grid,
        u64::from(params) * 20,
    );
}
