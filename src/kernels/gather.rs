//! Batches out of pages of the data set: u8 rows of a page to normalised f32 rows.

use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("gather", twin);

/// An index that leaves its output row untouched: its sample lies in another page.
pub const UNTOUCHED: u32 = u32::MAX;

params! {
    /// The uniform block.
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

/// `x[out_row + r] = table[channel][pixels[index[r]]]`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (index, pixels, table) = (call.read::<u32>(1), call.read::<u8>(2), call.read::<f32>(3));
    let mut x = call.write::<f32>(4);
    for r in 0..p.rows as usize {
        if index[r] == UNTOUCHED {
            continue;
        }
        let from = index[r] as usize * p.row_words as usize * 4;
        let to = (p.out_row as usize + r) * p.features as usize;
        for f in 0..p.features as usize {
            x[to + f] = table[f / p.spatial as usize * 256 + usize::from(pixels[from + f])];
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    [(1, 1, 1), (5, 3, 25), (65_536 * 64 + 3, 1, 1)]
        .map(|(rows, channels, spatial)| case(rows, channels, spatial))
        .into()
}

fn case(rows: u32, channels: u32, spatial: u32) -> Case {
    let name = format!("gather {rows} rows {channels} channels {spatial} pixels");
    Case::new(name, 0.0, move |f| {
        let features = channels * spatial;
        let page_rows = 50;
        let pixels = f.words((page_rows * features.div_ceil(4)) as usize);
        let index: Vec<u32> =
            f.words(rows as usize).iter().map(|w| if w % 5 == 4 { UNTOUCHED } else { w % page_rows }).collect();
        let table = f.values((channels * 256) as usize);
        let buffers = Buffers {
            index: f.buffer("index", &index),
            pixels: f.buffer("pixels", &pixels),
            table: f.buffer("table", &table),
            x: f.blank("x", ((rows + 2) * features) as usize),
        };
        let mut rec = Recording::new();
        record(&mut rec, &buffers, rows, features, spatial, 2);
        rec.read_back(buffers.x);
        rec
    })
}
