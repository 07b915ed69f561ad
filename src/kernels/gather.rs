//! Batches out of pages of the data set: rows of a page, bytes or f32, to f32 rows, moved and mirrored where asked.

use super::lib::geometry::layout_of;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// A page holds f32.
const FLOATS: &str = "FLOATS";
/// Rows are moved.
const MOVED: &str = "MOVED";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("gather", twin).with_defines(&[FLOATS, MOVED]);

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
        /// Words of a row of the page: features / 4, rounded up; of f32 features.
        pub row_words: u32,
        /// First output row.
        pub out_row: u32,
        /// Fours of a row, the last perhaps not whole.
        pub quads: u32,
        /// w, where rows are moved.
        pub width: u32,
        /// Pixels of the border, where rows are moved.
        pub pad: u32,
    }
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// 4 pixels a word, rows padded to whole words; the table gives their values.
    Bytes,
    /// f32, taken as they are; the table is bound, but not read.
    Floats,
}

/// How an image is moved: a crop of its size out of the image with a black border, then mirrored or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// First column of the crop, 0 to twice the border.
    pub dx: u8,
    /// First row of it.
    pub dy: u8,
    /// Whether it is mirrored left to right.
    pub flip: bool,
}

impl Move {
    /// As the shader reads it.
    pub fn word(self) -> u32 {
        u32::from(self.dx) | u32::from(self.dy) << 8 | u32::from(self.flip) << 16
    }
}

/// How the rows of a launch are moved.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// u32 per output row: [`Move::word`].
    pub moves: Span,
    /// Pixels of a row of the image.
    pub width: u32,
    /// Pixels of the border.
    pub pad: u32,
}

/// The storage bindings of `gather`.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// u32 per output row: a row of the page, or [`UNTOUCHED`].
    pub index: Span,
    /// The page.
    pub pixels: Span,
    /// The value of each byte of each channel, f32 `[channels, 256]`.
    pub table: Span,
    /// Output rows, f32.
    pub x: Span,
}

/// A row: c x h x w features, h x w of a channel, and what they are.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// c x h x w.
    pub features: u32,
    /// h x w.
    pub spatial: u32,
    /// Bytes or f32.
    pub values: Values,
    /// Channels that lie last in what is written; 1: as in the page.
    pub last: u32,
}

impl Row {
    /// Words of a row of the page.
    pub fn words(&self) -> u32 {
        match self.values {
            Values::Bytes => self.features.div_ceil(4),
            Values::Floats => self.features,
        }
    }
}

/// Records `x[out_row + r] = table[channel][pixels[index[r]]]` for `rows` rows, or the f32 themselves, moved where asked.
pub fn record(rec: &mut Recording, buffers: &Buffers, rows: u32, row: Row, out_row: u32, moved: Option<&Moved>) {
    let Row { features, spatial, .. } = row;
    let (width, pad) = moved.map_or((1, 0), |moved| (moved.width, moved.pad));
    let quads = features.div_ceil(4);
    let params = Params { rows, features, spatial, row_words: row.words(), out_row, quads, width, pad };
    let items = u64::from(rows) * u64::from(quads);
    let mut bound = vec![buffers.index, buffers.pixels, buffers.table, buffers.x];
    let last = u32::from(row.last > 1);
    let mut variant = Variant::plain().with("CHANNELS_LAST", last).with("CHANNELS", row.last);
    if row.values == Values::Floats {
        variant = variant.define(FLOATS);
    }
    if let Some(moved) = moved {
        variant = variant.define(MOVED);
        bound.push(moved.moves);
    }
    rec.dispatch(&KERNEL, variant, &params, &bound, fold_grid(items, 64), 8 * items);
}

/// `x[out_row + r] = table[channel][pixels[index[r]]]`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let has = |name| call.variant.defines().contains(&name);
    let (index, table) = (call.read::<u32>(1), call.read::<f32>(3));
    let (bytes, floats) = (call.read::<u8>(2), call.read::<f32>(2));
    let mut x = call.write::<f32>(4);
    let moves = has(MOVED).then(|| call.read::<u32>(5));
    let (features, spatial, width) = (p.features as usize, p.spatial as usize, p.width as usize);
    let (layout, channels) = (layout_of(call), call.variant.get("CHANNELS", 1) as usize);
    let pixels = features / channels;
    for r in 0..p.rows as usize {
        if index[r] == UNTOUCHED {
            continue;
        }
        let row = index[r] as usize * p.row_words as usize;
        let value = |f: usize| {
            if has(FLOATS) { floats[row + f] } else { table[f / spatial * 256 + usize::from(bytes[4 * row + f])] }
        };
        let black = |f: usize| if has(FLOATS) { 0.0 } else { table[f / spatial * 256] };
        let moved = |f: usize, how: u32| {
            let (channel, y, x) = (f / spatial, f % spatial / width, f % width);
            let x = if how >> 16 & 1 == 1 { width - 1 - x } else { x };
            let from = |at: usize, by: u32, most: usize| {
                (at + (by & 255) as usize).checked_sub(p.pad as usize).filter(|&at| at < most)
            };
            match (from(y, how >> 8, spatial / width), from(x, how, width)) {
                (Some(y), Some(x)) => value(channel * spatial + y * width + x),
                _ => black(f),
            }
        };
        let to = (p.out_row as usize + r) * features;
        for f in 0..features {
            let place = layout.place(f / pixels, f % pixels, channels, pixels);
            x[to + place] = moves.as_ref().map_or_else(|| value(f), |moves| moved(f, moves[r]));
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let plain = [(1, 1, 1), (5, 3, 25), (65_536 * 64 + 3, 1, 1)];
    let small = [(1, 1, 1), (5, 3, 25)];
    let bytes = plain.map(|(rows, channels, spatial)| case(rows, channels, (spatial, 1), Values::Bytes, None, 1));
    let floats = small.map(|(rows, channels, spatial)| case(rows, channels, (spatial, 1), Values::Floats, None, 1));
    let moved = [Values::Bytes, Values::Floats].map(|values| case(40, 3, (7, 5), values, Some(2), 1));
    let bytes_last = [None, Some(2)].map(|pad| case(40, 3, (7, 5), Values::Bytes, pad, 3));
    let last = bytes_last.into_iter().chain([case(5, 3, (5, 5), Values::Floats, None, 3)]);
    bytes.into_iter().chain(floats).chain(moved).chain(last).collect()
}

fn case(rows: u32, channels: u32, (height, width): (u32, u32), values: Values, pad: Option<u32>, last: u32) -> Case {
    let spatial = height * width;
    let kind = if values == Values::Floats { " of f32" } else { "" };
    let moved = if pad.is_some() { " moved" } else { "" };
    let name = format!(
        "gather {rows} rows {channels} channels {spatial} pixels{kind}{moved}{}",
        if last > 1 { " channels last" } else { "" }
    );
    Case::new(name, 0.0, move |f| {
        let row = Row { features: channels * spatial, spatial, values, last };
        let page_rows = 50;
        let words = (page_rows * row.words()) as usize;
        let pixels = match values {
            Values::Bytes => {
                let words = f.words(words);
                f.buffer("pixels", &words)
            }
            Values::Floats => f.random("pixels", words),
        };
        let index: Vec<u32> =
            f.words(rows as usize).iter().map(|w| if w % 5 == 4 { UNTOUCHED } else { w % page_rows }).collect();
        let table = f.values((channels * 256) as usize);
        let buffers = Buffers {
            index: f.buffer("index", &index),
            pixels,
            table: f.buffer("table", &table),
            x: f.blank("x", ((rows + 2) * row.features) as usize),
        };
        let moved = pad.map(|pad| {
            let side = 2 * pad + 1;
            let any = |w: &u32| Move { dx: (w % side) as u8, dy: (w / side % side) as u8, flip: w >> 31 == 1 };
            let moves: Vec<u32> = f.words(rows as usize).iter().map(|w| any(w).word()).collect();
            Moved { moves: f.buffer("moves", &moves), width, pad }
        });
        let mut rec = Recording::new();
        record(&mut rec, &buffers, rows, row, 2, moved.as_ref());
        rec.read_back(buffers.x);
        rec
    })
}
