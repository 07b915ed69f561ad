//! A lane's own copy of rows of the batch, which lanes share.

use super::params::Lanes;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("own_rows", reference::own_rows::own_rows);

params! {
    /// The uniform block.
    pub struct Params {
        /// f32 of a row.
        pub len: u32,
    }
}

/// Records `y[row0 + r] = x[x_row + r]` for all rows of each lane, `len` f32 each.
pub fn record(rec: &mut Recording, lanes: &Lanes, len: u32, x: Span, y: Span) {
    let elements = u64::from(lanes.max_rows) * u64::from(len);
    let grid = lanes.grid(elements.div_ceil(64).min(65_535) as u32, 1);
    let cost = 2 * lanes.rows * u64::from(len);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { len }, &[lanes.table, x, y], grid, cost);
}
