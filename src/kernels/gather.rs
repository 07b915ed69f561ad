//! Batches out of pages of the data set.

use super::fold_grid;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// u8 rows of a page to normalised f32 rows.
pub static KERNEL: Kernel = Kernel::new::<Params>("gather", reference::gather::gather);

/// An index that leaves its output row untouched: its sample lies in another page.
pub const UNTOUCHED: u32 = u32::MAX;

params! {
    /// Uniform block of `gather`.
    pub struct Params {
        /// Output rows.
        pub rows: u32,
        /// Features of a row, c x h x w.
        pub features: u32,
        /// Features of a channel, h x w.
        pub spatial: u32,
        /// Words of a row of the page: features / 4, rounded up.
        pub row_words: u32,
        /// First output row.
        pub out_row: u32,
    }
}

/// The storage bindings of `gather`.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// u32 per output row: a row of the page, or [`UNTOUCHED`].
    pub index: Span,
    /// The page: 4 pixels a word, rows padded to whole words.
    pub pixels: Span,
    /// The value of each byte of each channel, f32 `[channels, 256]`.
    pub table: Span,
    /// Output rows, f32.
    pub x: Span,
}

/// Records `x[out_row + r] = table[channel][pixels[index[r]]]`; `features` is c x h x w, `spatial` h x w.
pub fn record(rec: &mut Recording, buffers: &Buffers, rows: u32, features: u32, spatial: u32, out_row: u32) {
    let params = Params { rows, features, spatial, row_words: features.div_ceil(4), out_row };
    let items = u64::from(rows) * u64::from(params.row_words);
    let bound = [buffers.index, buffers.pixels, buffers.table, buffers.x];
    rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, fold_grid(items, 64), 8 * items);
}
