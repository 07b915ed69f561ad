//! Fingerprint of a weight vector: order-free sums of mixed bits (perturbation-stream, Ledger).

use bytemuck::{Pod, Zeroable};

use super::{Kernel, Variant, fold_grid, vec4_bytes};
use crate::plan::{BufferId, Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel { name: "fingerprint", twin: reference::fingerprint::fingerprint };

/// The uniform block.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Params {
    /// Elements of the weight vector.
    pub weights: u32,
}

/// Adds up the fingerprint of `params` f32 that lie `offset` bytes (aligned as bindings are) into `weights`, which has room for
/// [`vec4_bytes`]`(params)` there. `sums` gets two u32, low word first; it is cleared here.
pub fn record(rec: &mut Recording, weights: BufferId, offset: u64, params: u32, sums: Span) {
    rec.clear(sums);
    let bindings = [Span { buffer: weights, offset, bytes: vec4_bytes(params) }, sums];
    let grid = fold_grid(u64::from(params.div_ceil(4)), 1024);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { weights: params }, &bindings, grid, u64::from(params) * 20);
}
