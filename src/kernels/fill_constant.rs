//! Stores one value everywhere: the store ceiling of the bench.

use super::fold_grid;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("fill_constant", reference::fill_constant::fill_constant);

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
