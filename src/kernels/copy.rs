//! Copies a buffer: the copy ceiling of the bench.

use super::fold_grid;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("copy", reference::copy::copy);

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
