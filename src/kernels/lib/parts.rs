//! Long sums over a lane's rows, split over workgroups.
//!
//! A gradient of a weight is a sum over all rows of a lane, often of tens of thousands of terms for a few thousand weights: too few
//! workgroups for a GPU if each sums one tile of weights from the first row to the last. Here a sum is cut into parts. A workgroup sums one
//! part, from 0, into room of its own; a second pass ([`crate::kernels::part_sums`]) adds the parts to the gradient, one after another.
//!
//! Where parts begin follows from the layer's sizes and the tiling of products alone: blocks of [`SAMPLE_BLOCK`] samples are cut into equal
//! parts, so each block begins one. A chunk of a lane ends between blocks, hence its parts are those of the whole lane, and they are added
//! in the same order whatever the chunks. How many of them the room holds at once (`Split::launches`) changes no bit either.

use std::ops::Range;

use super::params::{Lane, Lanes, SAMPLE_BLOCK};
use super::tiles::Tiles;
use crate::recording::Span;
use crate::recording::kernel::params;

/// Terms that a block of samples must add to a sum for it to be split: a step of 64 samples then sums 4096.
const LONG: u32 = 512;

/// Parts of a block, at most: the second pass goes through them one after another.
const MOST: u32 = 16;

/// Workgroups that are wanted of sums that only read: each takes 64 threads.
pub const WORKGROUPS: u32 = 512;

/// Threads of the workgroups that are wanted of sums by tiles in workgroup memory: of one lane, and steps have several. A part more costs a
/// tile's sums, written and read once.
pub const TILE_THREADS: u32 = 32_768;

/// Terms of a part, at least, that is summed by a tree over 64 threads, four terms each at once.
pub const TREE_TERMS: u32 = 1024;

/// Teams that share a part's rows (`shaders/lib/lanes.wgsl:row_teams`).
pub const ROW_TEAMS: u32 = 4;

/// Teams that share a workgroup's pixels, at most.
pub const MOST_TEAMS: u32 = 16;

/// Teams for the pixels of images whose channels are last, of so many columns: as many as leave few of 64 threads idle.
pub fn pixel_teams(columns: u32) -> u32 {
    (64 / columns.min(64).next_power_of_two()).clamp(ROW_TEAMS, MOST_TEAMS)
}

/// Rows of a part, at least, that is summed by row teams.
pub const TEAM_ROWS: u32 = 64;

params! {
    /// Which parts of which lanes a launch sums (`shaders/lib/lanes.wgsl:parts`). Rows are counted in units: what a loop of the kernel takes at once.
    #[derive(Default)]
    pub struct Cut {
        /// The launch's first lane.
        pub first_lane: u32,
        /// Its first part of each lane.
        pub first_part: u32,
        /// Its parts of each lane. 0: the sum is not split, a workgroup adds up all parts of its lane.
        pub parts: u32,
        /// Units of a row.
        pub row: u32,
        /// Units of a block of samples.
        pub block: u32,
        /// Units of a part; the last one of a block has what is left.
        pub part: u32,
        /// A uniform block's struct ends on a multiple of 16 bytes.
        pub unused: u32,
        /// Alike.
        pub also_unused: u32,
    }
}

params! {
    /// Where the sum of a weight's gradient goes, and what it goes on from (`shaders/lib/lanes.wgsl:weight_sum`).
    #[derive(Default)]
    pub struct WeightSum {
        /// Index of the weight in what is summed into.
        pub offset: u32,
        /// 1: the layer's input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`.
        pub from_batch: u32,
        /// 1: the sum goes on from what is there.
        pub accumulate: u32,
        /// A uniform block's struct ends on a multiple of 16 bytes.
        pub unused: u32,
    }
}

impl WeightSum {
    /// Of a launch that sums one tensor.
    pub fn of(launch: &Launch, tensors: &Tensors, from_batch: u32) -> Self {
        Self { offset: tensors.first.0, from_batch, accumulate: launch.accumulate, unused: 0 }
    }
}

/// A launch of a first pass.
#[derive(Clone, Copy, Debug)]
pub struct Launch {
    /// What it sums.
    pub cut: Cut,
    /// Layers of workgroups, z of the grid.
    pub layers: u32,
    /// Where the sums go.
    pub sums: Span,
    /// 1: they go on from what is there.
    pub accumulate: u32,
    /// The operations of the whole sum that are this launch's.
    pub cost: u64,
}

/// Where sums go, and what they go on from.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Gradients of the lanes' weights.
    pub gradients: Span,
    /// Room for parts, at least for one part of one lane.
    pub parts: Span,
}

/// The tensors of a sum: flat index and f32 of each; parts hold them one behind the other.
#[derive(Clone, Copy, Debug)]
pub struct Tensors {
    /// The first.
    pub first: (u32, u32),
    /// The second, where there is one.
    pub second: (u32, u32),
    /// Taps and channels of the first, whose parts are `[row][tap][channel]` where there are several taps.
    pub taps: (u32, u32),
}

impl Tensors {
    /// A single one.
    pub fn one(offset: u32, size: u32) -> Self {
        Self::two((offset, size), (0, 0))
    }

    /// Two.
    pub fn two(first: (u32, u32), second: (u32, u32)) -> Self {
        Self { first, second, taps: (1, 0) }
    }

    /// A convolution's weight whose parts have channels innermost.
    pub fn of_taps(offset: u32, size: u32, taps: u32, channels: u32) -> Self {
        Self { taps: (taps, channels), ..Self::one(offset, size) }
    }

    /// f32 of all.
    pub fn size(&self) -> u32 {
        self.first.1 + self.second.1
    }
}

/// A sum over a lane's rows as a layer has it, which decides whether and how it is split.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    /// Rows of a sample.
    pub sample_rows: u32,
    /// Units of a row.
    pub row: u32,
    /// Terms of a unit.
    pub terms: u32,
    /// Workgroups that sum a lane's rows side by side if the sum is not split.
    pub whole: u32,
    /// The same if it is.
    pub split: u32,
    /// Workgroups that are wanted.
    pub wanted: u32,
    /// Terms of a part, at least.
    pub least: u32,
    /// Units that a part's length is a multiple of.
    pub multiple: u32,
}

impl Sum {
    /// Of `row` terms a row, by tiles in workgroup memory, a grid of them each part: a part is whole slices.
    pub fn in_tiles(tiles: [u32; 2], block: &Tiles, sample_rows: u32, row: u32) -> Self {
        let whole = tiles.iter().product();
        Self {
            sample_rows,
            row,
            terms: 1,
            whole,
            split: whole,
            wanted: TILE_THREADS / block.threads,
            least: 256,
            multiple: block.depth,
        }
    }

    /// How it is split; none: it is short, or there are as many workgroups as are wanted. The number of parts is such that a lane of eight
    /// blocks has enough.
    pub fn splitting(&self) -> Option<SumSplit> {
        let block = SAMPLE_BLOCK.checked_mul(self.sample_rows)?.checked_mul(self.row)?;
        let terms = u64::from(block) * u64::from(self.terms);
        if terms < u64::from(LONG) || self.whole >= self.wanted {
            return None;
        }
        let most = (terms / u64::from(self.least)).clamp(1, u64::from(MOST)) as u32;
        let parts = self.wanted.div_ceil(8 * self.split.max(1)).clamp(1, most);
        let part = block.div_ceil(parts).next_multiple_of(self.multiple).min(block);
        Some(SumSplit { sample_rows: self.sample_rows, row: self.row, block, part })
    }
}

/// How a sum is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumSplit {
    sample_rows: u32,
    row: u32,
    block: u32,
    part: u32,
}

impl SumSplit {
    /// Parts of a lane of so many rows.
    pub fn parts(&self, rows: u32) -> u64 {
        let units = u64::from(rows) * u64::from(self.row);
        let (block, part) = (u64::from(self.block), u64::from(self.part));
        units / block * block.div_ceil(part) + (units % block).div_ceil(part)
    }

    /// Bytes of all parts of `lanes` lanes of at most `samples` samples, `size` f32 each.
    pub fn bytes(&self, lanes: u64, samples: u32, size: u32) -> u64 {
        4 * lanes * self.parts(samples * self.sample_rows) * u64::from(size)
    }

    /// The first passes of all lanes' sums: as many parts at once as the room holds.
    pub fn launches(&self, lanes: &Lanes, size: u32, room: Span) -> Vec<(Cut, u32)> {
        let (all, count) = (self.parts(lanes.max_rows) as u32, lanes.count);
        let slots = (room.bytes / (4 * u64::from(size.max(1)))).clamp(1, 65_535) as u32;
        let (parts, at_once) = if slots < all { (slots, 1) } else { (all, (slots / all.max(1)).min(count)) };
        let mut launches = Vec::new();
        for first_lane in (0..count).step_by(at_once.max(1) as usize) {
            for first_part in (0..all).step_by(parts.max(1) as usize) {
                let (parts, lanes) = (parts.min(all - first_part), at_once.min(count - first_lane));
                let Self { row, block, part, .. } = *self;
                launches.push((Cut { first_lane, first_part, parts, row, block, part, ..Cut::default() }, lanes));
            }
        }
        launches
    }
}

/// What the workgroups of one layer of a grid sum.
pub struct Work {
    /// The lane's number.
    pub index: usize,
    /// The lane.
    pub lane: Lane,
    /// Units of each part.
    pub parts: Vec<Range<usize>>,
    /// Where the sums' elements begin.
    pub base: u32,
}

/// Units of all parts of a lane of so many rows.
pub fn parts(cut: &Cut, rows: u32) -> Vec<Range<usize>> {
    let units = (rows * cut.row) as usize;
    let blocks = (0..units).step_by(cut.block as usize);
    let cut_block = |block: usize| {
        let end = units.min(block + cut.block as usize);
        (block..end).step_by(cut.part as usize).map(move |first| first..end.min(first + cut.part as usize))
    };
    blocks.flat_map(cut_block).collect()
}

/// What each layer of workgroups does; those whose lane has no such part do nothing. `size`: elements of a part.
pub fn work(cut: &Cut, lanes: &[Lane], layers: u32, size: u32) -> Vec<Work> {
    let of_layer = |z: u32| {
        if cut.parts == 0 {
            let (index, lane) = (z as usize, lanes[z as usize]);
            return Some(Work { index, lane, parts: parts(cut, lane.rows), base: lane.weight_base });
        }
        let index = (cut.first_lane + z / cut.parts) as usize;
        let part = (cut.first_part + z % cut.parts) as usize;
        let part = parts(cut, lanes[index].rows).get(part)?.clone();
        Some(Work { index, lane: lanes[index], parts: vec![part], base: z * size })
    };
    (0..layers).filter_map(of_layer).collect()
}
