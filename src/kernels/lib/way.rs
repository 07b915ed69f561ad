//! Ways of computing a product of matrices, and the sizes of their tiles. Which one a product is computed with on a device is measured.

use std::fmt;
use std::str::FromStr;

use super::heads::Heads;
use super::matrix::{Matrix, Multiply, SMALL};
use crate::caps::{AdapterInfo, Limits, Precision};
use crate::recording::kernel::Variant;

/// A way of computing a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// Rows are shared by subgroup shuffles, or kept by each thread (`shaders/lib/shuffle.wgsl:tile`), as [`super::tiling::Tiling`] says.
    #[default]
    Shuffle,
    /// Tiles in workgroup memory (`shaders/lib/block.wgsl:tile`).
    Block(Block),
    /// The same tiles, multiplied by cooperative matrices of f16 (`shaders/lib/matrix.wgsl:tile`): `matrix`, or `matrix3` where operands are two
    /// f16 each.
    Matrix(Matrix),
    /// Attention by tiles of a head in workgroup memory (`shaders/lib/layers.wgsl:head_tiles`).
    Heads(Heads),
}

impl Way {
    /// Whether a product in this way can have activations that are f16 in memory.
    pub fn takes_halves(self) -> bool {
        match self {
            Self::Shuffle | Self::Heads(_) => false,
            Self::Block(_) => true,
            Self::Matrix(matrix) => matrix.takes_eights(),
        }
    }
}

impl Precision {
    /// Whether products may be computed in a way.
    pub fn admits(self, way: Way) -> bool {
        match way {
            Way::Shuffle | Way::Block(_) | Way::Heads(_) => true,
            Way::Matrix(Matrix { split: true, .. }) => self >= Precision::F16x3,
            Way::Matrix(_) => self >= Precision::F16,
        }
    }
}

/// Tiles in workgroup memory: `shaders/lib/block.wgsl:tile` says what the sizes are.
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

    /// Bytes of workgroup memory at most: for slices, and in their place for the moments of a tile.
    pub fn memory(&self) -> u32 {
        let moments = 2 * self.threads() + self.rows / self.thread_rows;
        16 * (self.stages * self.depth * (self.rows / 4 + 1 + self.columns / 4 + 1)).max(moments)
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

    /// Whether a device's limits admit it.
    pub fn fits(&self, limits: &Limits) -> bool {
        self.is_whole() && self.threads() <= limits.invocations && self.memory() <= limits.workgroup_memory
    }

    /// The constants of a kernel.
    pub fn variant(&self) -> Variant {
        Variant::plain()
            .with("BLOCK_M", self.rows)
            .with("BLOCK_N", self.columns)
            .with("BLOCK_K", self.depth)
            .with("THREAD_M", self.thread_rows)
            .with("THREAD_N", self.thread_columns)
            .with("STAGES", self.stages)
            .in_way("block")
    }
}

/// Blocks of self-test cases: several groups of 32 threads in a workgroup, one of them, two stages.
pub const BLOCKS: [Block; 3] = [
    Block::new(32, 32, 16).of_threads(4, 4),
    Block::new(64, 64, 16),
    Block::new(16, 32, 8).of_threads(4, 4).two_stages(),
];

/// Matrices of self-test cases: several subgroups of several matrices, with one f16 an operand and with two.
const MATRICES: [Matrix; 2] = [SMALL, SMALL.split()];

/// The ways of self-test cases that have tiles in workgroup memory.
pub const WAYS: [Way; 5] = [
    Way::Block(BLOCKS[0]),
    Way::Block(BLOCKS[1]),
    Way::Block(BLOCKS[2]),
    Way::Matrix(MATRICES[0]),
    Way::Matrix(MATRICES[1]),
];

/// Each of `all` with a way to try it in that has tiles in workgroup memory: once with blocks, once with matrices.
pub fn in_ways<T: Copy>(all: &[T]) -> Vec<(T, Way)> {
    let blocks = BLOCKS.into_iter().cycle().map(Way::Block);
    let matrices = MATRICES.into_iter().cycle().map(Way::Matrix);
    all.iter().copied().zip(blocks).chain(all.iter().copied().zip(matrices)).collect()
}

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

impl Way {
    /// As a device computes it: matrices that it lacks are plain code.
    pub fn on(self, info: &AdapterInfo) -> Self {
        match self {
            Self::Matrix(matrix) => Self::Matrix(matrix.by(Multiply::of(info).unwrap_or(Multiply::Emulated))),
            other => other,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shuffle => write!(f, "shuffle"),
            Self::Block(block) => write!(f, "block {block}"),
            Self::Matrix(matrix) if matrix.split => write!(f, "matrix3 {matrix}"),
            Self::Matrix(matrix) => write!(f, "matrix {matrix}"),
            Self::Heads(heads) => write!(f, "heads {heads}"),
        }
    }
}

/// No way is written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no way of computing a product: expected \"shuffle\" or such as \"block 64x64x16 8x8\", \"matrix 128x64x32 64x32\", \"matrix3 64x64x32 32x32\" or \"heads 72x80\""
)]
pub struct NoWay(String);

impl FromStr for Way {
    type Err = NoWay;

    fn from_str(text: &str) -> Result<Self, NoWay> {
        let no = || NoWay(text.to_owned());
        let mut words = text.split(' ');
        match words.next() {
            Some("shuffle") if words.next().is_none() => Ok(Self::Shuffle),
            Some("heads") => {
                let (queries, keys) = words.next().and_then(|sizes| sizes.split_once('x')).ok_or_else(no)?;
                let size = |text: &str| text.parse().map_err(|_| no());
                let heads = Heads { queries: size(queries)?, keys: size(keys)? };
                (heads.is_whole() && words.next().is_none()).then_some(Self::Heads(heads)).ok_or_else(no)
            }
            Some(kind @ ("block" | "matrix" | "matrix3")) => {
                let mut sizes = |count: usize| -> Option<Vec<u32>> {
                    let sizes = words.next()?.split('x').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
                    (sizes.len() == count).then_some(sizes)
                };
                let (tile, part) = (sizes(3).ok_or_else(no)?, sizes(2).ok_or_else(no)?);
                let more: Vec<&str> = words.collect();
                let way = if kind == "block" {
                    let block = Block::new(tile[0], tile[1], tile[2]).of_threads(part[0], part[1]);
                    let block = match more[..] {
                        [] => block,
                        ["2", "stages"] => block.two_stages(),
                        _ => return Err(no()),
                    };
                    block.is_whole().then_some(Self::Block(block))
                } else {
                    let multiply = match more[..] {
                        [] => Multiply::Sixteens,
                        ["eights"] => Multiply::Eights,
                        ["emulated"] => Multiply::Emulated,
                        _ => return Err(no()),
                    };
                    let split = kind == "matrix3";
                    let matrix = Matrix { split, multiply, ..Matrix::new(tile[0], tile[1], tile[2], part[0], part[1]) };
                    matrix.is_whole().then_some(Self::Matrix(matrix))
                };
                way.ok_or_else(no)
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
        let matrix = Matrix::new(128, 64, 32, 64, 32);
        for way in [
            Way::Shuffle,
            Way::Block(big),
            Way::Block(Block::new(32, 32, 16).of_threads(4, 4).two_stages()),
            Way::Matrix(matrix),
            Way::Matrix(matrix.split()),
            Way::Matrix(matrix.by(Multiply::Eights)),
            Way::Matrix(matrix.split().by(Multiply::Emulated)),
            Way::Heads(Heads { queries: 72, keys: 80 }),
        ] {
            assert_eq!(way.to_string().parse(), Ok(way));
        }
        assert_eq!(Way::Block(big).to_string(), "block 128x64x16 8x8");
        assert_eq!(Way::Matrix(matrix.split()).to_string(), "matrix3 128x64x32 64x32");
        for wrong in [
            "",
            "shuffle 1",
            "block",
            "block 64x64 8x8",
            "block 64x64x16 8x8 3 stages",
            "block 60x64x16 8x8",
            "matrix 128x64x32",
            "matrix 128x64x32 64x32 2 stages",
            "matrix 128x64x8 64x32",
            "matrix2 128x64x32 64x32",
            "heads 72",
            "heads 71x80",
            "heads 72x80 8x8",
        ] {
            assert!(wrong.parse::<Way>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_precision_admits_what_is_as_exact() {
        let single = Matrix::new(64, 64, 32, 32, 32);
        let ways = [Way::Shuffle, Way::Block(Block::new(64, 64, 16)), Way::Matrix(single.split()), Way::Matrix(single)];
        for (precision, admitted) in Precision::ALL.into_iter().zip([2, 3, 4]) {
            assert_eq!(ways.map(|way| precision.admits(way)), [0, 1, 2, 3].map(|i| i < admitted), "{precision:?}");
        }
    }

    #[test]
    fn limits_admit_what_fits() {
        let core = Limits::webgpu_default();
        assert!(Block::new(64, 64, 16).fits(&core));
        assert_eq!(Block::new(64, 64, 16).threads(), 64);
        assert!(!Block::new(128, 128, 16).fits(&core), "of 16.9 KB");
        assert!(!Block::new(64, 64, 16).two_stages().fits(&core), "of 17.4 KB");
    }
}
