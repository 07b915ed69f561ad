//! Sums in place, for gradients that flow together.

use super::fold_grid;
use super::values::ValueKernel;
use crate::recording::kernel::{Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: ValueKernel = ValueKernel::new::<Params>("add", "add_scalar", reference::add::add);

params! {
    /// The uniform block.
    pub struct Params {
        /// Values; a binding holds fewer than 2^32.
        pub count: u32,
    }
}

/// Records `to += from` over `count` f32.
pub fn record(rec: &mut Recording, count: u64, from: Span, to: Span) {
    let (kernel, width) = KERNEL.of(count);
    let params = Params { count: count as u32 };
    rec.dispatch(kernel, Variant::plain(), &params, &[from, to], fold_grid(count / u64::from(width), 64), 4 * count);
}
