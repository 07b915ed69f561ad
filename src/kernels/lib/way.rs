//! Ways of computing a product of matrices, and the sizes of their tiles. Which one a product is computed with on a device is measured.

use std::fmt;
use std::str::FromStr;

use crate::caps::Limits;
use crate::recording::kernel::Variant;

/// A way of computing a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// Rows are shared by subgroup shuffles, or kept by each thread (`shaders/lib/tile.wgsl`), as [`super::tiling::Tiling`] says.
    #[default]
    Shuffle,
    /// Tiles in workgroup memory (`shaders/lib/workgroup_tile.wgsl`).
    Block(Block),
}

/// Tiles in workgroup memory: `shaders/lib/workgroup_tile.wgsl` says what the sizes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    /// Rows of a workgroup's tile.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Terms of the sum at a time.
    pub depth: u32,
    /// Rows of a thread.
    pub thread_rows: u32,
    /// Columns of a thread.
    pub thread_columns: u32,
    /// Slices in workgroup memory at once: 1 or 2.
    pub stages: u32,
}

impl Block {
    /// Of tiles `rows` x `columns` x `depth`, with 8 x 8 sums a thread and one slice at a time.
    pub const fn new(rows: u32, columns: u32, depth: u32) -> Self {
        Self { rows, columns, depth, thread_rows: 8, thread_columns: 8, stages: 1 }
    }

    /// With so many rows and columns a thread.
    pub const fn of_threads(self, thread_rows: u32, thread_columns: u32) -> Self {
        Self { thread_rows, thread_columns, ..self }
    }

    /// With two slices in workgroup memory.
    pub const fn two_stages(self) -> Self {
        Self { stages: 2, ..self }
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        (self.rows / self.thread_rows) * (self.columns / self.thread_columns)
    }

    /// Bytes of workgroup memory at most, beside what a kernel keeps for signs.
    pub fn memory(&self) -> u32 {
        16 * self.stages * self.depth * (self.rows / 4 + 1 + self.columns / 4 + 1)
    }

    /// Whether the sizes fit each other: whole groups of 32 threads, whole quads a thread.
    pub fn is_whole(&self) -> bool {
        let Self { rows, columns, depth, thread_rows, thread_columns, stages } = *self;
        let quads = depth * thread_rows * thread_columns;
        [4, 8].contains(&thread_rows)
            && [4, 8].contains(&thread_columns)
            && [1, 2].contains(&stages)
            && [8, 16].contains(&depth)
            && rows > 0
            && columns > 0
            && rows.is_multiple_of(4 * thread_rows)
            && columns.is_multiple_of(8 * thread_columns)
            && quads.is_multiple_of(4 * columns)
            && quads.is_multiple_of(4 * rows)
    }

    /// Whether a device's limits admit it, with `more` bytes of workgroup memory beside its slices.
    pub fn fits(&self, limits: &Limits, more: u32) -> bool {
        self.is_whole() && self.threads() <= limits.invocations && self.memory() + more <= limits.workgroup_memory
    }

    /// Bytes of workgroup memory for the signs of `span` weights of each column (`shaders/lib/tiled_signs.wgsl`).
    pub fn sign_memory(&self, span: u32) -> u32 {
        16 * self.columns * ((span + 126) / 128 + 1)
    }

    /// The constants of a kernel.
    pub fn variant(&self) -> Variant {
        Variant::plain()
            .in_way("block")
            .with("BLOCK_M", self.rows)
            .with("BLOCK_N", self.columns)
            .with("BLOCK_K", self.depth)
            .with("THREAD_M", self.thread_rows)
            .with("THREAD_N", self.thread_columns)
            .with("STAGES", self.stages)
    }
}

/// Blocks of self-test cases: several groups of 32 threads in a workgroup, one of them, two stages.
pub const BLOCKS: [Block; 3] = [
    Block::new(32, 32, 16).of_threads(4, 4),
    Block::new(64, 64, 16),
    Block::new(16, 32, 8).of_threads(4, 4).two_stages(),
];

/// With a define where rows of `length` f32 are whole quads.
pub fn with_quads(variant: Variant, define: &'static str, length: u32) -> Variant {
    if length.is_multiple_of(4) { variant.define(define) } else { variant }
}

impl fmt::Display for Block {
    /// `128x64x16 8x8`, and `2` where there are two stages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, columns, depth, thread_rows, thread_columns, stages } = self;
        write!(f, "{rows}x{columns}x{depth} {thread_rows}x{thread_columns}")?;
        if *stages == 2 { write!(f, " 2 stages") } else { Ok(()) }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shuffle => write!(f, "shuffle"),
            Self::Block(block) => write!(f, "block {block}"),
        }
    }
}

/// No way is written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way of computing a product: expected \"shuffle\" or such as \"block 64x64x16 8x8\"")]
pub struct NoWay(String);

impl FromStr for Way {
    type Err = NoWay;

    fn from_str(text: &str) -> Result<Self, NoWay> {
        let no = || NoWay(text.to_owned());
        let mut words = text.split(' ');
        match words.next() {
            Some("shuffle") if words.next().is_none() => Ok(Self::Shuffle),
            Some("block") => {
                let mut sizes = |count: usize| -> Option<Vec<u32>> {
                    let sizes = words.next()?.split('x').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
                    (sizes.len() == count).then_some(sizes)
                };
                let (tile, thread) = (sizes(3).ok_or_else(no)?, sizes(2).ok_or_else(no)?);
                let block = Block::new(tile[0], tile[1], tile[2]).of_threads(thread[0], thread[1]);
                let block = match (words.next(), words.next(), words.next()) {
                    (None, ..) => block,
                    (Some("2"), Some("stages"), None) => block.two_stages(),
                    _ => return Err(no()),
                };
                if block.is_whole() { Ok(Self::Block(block)) } else { Err(no()) }
            }
            _ => Err(no()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_written_and_read() {
        let big = Block::new(128, 64, 16);
        for way in [Way::Shuffle, Way::Block(big), Way::Block(Block::new(32, 32, 16).of_threads(4, 4).two_stages())] {
            assert_eq!(way.to_string().parse(), Ok(way));
        }
        assert_eq!(Way::Block(big).to_string(), "block 128x64x16 8x8");
        for wrong in ["", "shuffle 1", "block", "block 64x64 8x8", "block 64x64x16 8x8 3 stages", "block 60x64x16 8x8"]
        {
            assert!(wrong.parse::<Way>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_admit_what_fits() {
        let core = Limits::webgpu_default();
        assert!(Block::new(64, 64, 16).fits(&core, 0));
        assert_eq!(Block::new(64, 64, 16).threads(), 64);
        assert!(!Block::new(128, 128, 16).fits(&core, 0), "of 16.9 KB");
        assert!(!Block::new(64, 64, 16).two_stages().fits(&core, 0), "of 17.4 KB");
    }
}
