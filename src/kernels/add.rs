//! Sums in place, for gradients that flow together.

use super::fold_grid;
use super::values;
use crate::recording::kernel::{Kernel, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("add", reference::add::add);

params! {
    /// The uniform block.
    pub struct Params {
        /// Values; a binding holds fewer than 2^32.
        pub count: u32,
    }
}

/// Records `to += from` over `count` f32.
pub fn record(rec: &mut Recording, count: u64, from: Span, to: Span) {
    let (variant, width) = values::of(count);
    let params = Params { count: count as u32 };
    rec.dispatch(&KERNEL, variant, &params, &[from, to], fold_grid(count / u64::from(width), 64), 4 * count);
}
