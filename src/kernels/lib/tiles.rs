//! Tiles in workgroup memory as a kernel's launch sees them, whatever multiplies them.

use super::way::Way;
use crate::recording::kernel::Variant;
use crate::shaders::MOMENTS;

/// The define of weights' gradients that leave parts in whole quads, rows of the product as they are (`shaders/lib/tiled_weights.wgsl:sum`).
pub const PART_QUADS: &str = "PART_QUADS";

/// The defines of kernels that import `lib/tiled.wgsl:product`: those of the ways behind those of their own.
macro_rules! tiled_defines {
    ($($own:expr),*) => {
        &[
            $($own,)*
            $crate::kernels::lib::matrix::MATRIX,
            $crate::kernels::lib::matrix::SPLIT_F16,
            $crate::kernels::lib::matrix::EIGHTS,
            $crate::kernels::lib::matrix::EMULATED,
        ]
    };
}
pub(crate) use tiled_defines;

/// Values of a part at least: its moments are an eighth of them.
const LEAST_PART: u32 = 16;

/// A workgroup's tile.
#[derive(Clone, Debug)]
pub struct Tiles {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Terms of the sum at a time.
    pub depth: u32,
    /// Threads of a workgroup.
    pub threads: u32,
    /// Bytes of workgroup memory at most.
    pub memory: u32,
    /// Rows whose threads have the same columns (`SPAN` of `shaders/lib/tiled.wgsl:moments`).
    span: u32,
    /// Rows of which each of these threads has some.
    stripe: u32,
    variant: Variant,
}

impl Tiles {
    /// Of a way; none where it has no tiles in workgroup memory.
    pub fn of(way: Way) -> Option<Self> {
        match way {
            Way::Shuffle | Way::Heads(_) => None,
            Way::Block(b) => Some(Self {
                rows: b.rows,
                columns: b.columns,
                depth: b.depth,
                threads: b.threads(),
                memory: b.memory(),
                span: 4 * b.thread_rows,
                stripe: 16,
                variant: b.variant(),
            }),
            Way::Matrix(m) => Some(Self {
                rows: m.rows,
                columns: m.columns,
                depth: m.depth,
                threads: m.threads(),
                memory: m.memory(),
                span: m.group_rows,
                stripe: m.fragment(),
                variant: m.variant(),
            }),
        }
    }

    /// The constants and defines of a kernel.
    pub fn variant(&self) -> Variant {
        self.variant.clone()
    }

    /// Rows of the parts whose moments it leaves of samples of so many pixels, a row each: the longest that no tile and no sample ends in. None
    /// where these are few, or less than what its threads share.
    pub fn part_of(&self, pixels: u32) -> Option<u32> {
        let part = gcd(self.rows, pixels);
        let spans = part.is_multiple_of(self.span) || self.span.is_multiple_of(part);
        (part >= LEAST_PART && part.is_multiple_of(self.stripe) && spans).then_some(part)
    }

    /// The define and the constants of a kernel that leaves moments of parts of so many rows, its own or those of [`Self::part_of`].
    pub fn leaving_moments(&self, variant: Variant, part: u32) -> Variant {
        variant.define(MOMENTS).with("SEGMENT", part).with("RUN_ROWS", part.min(self.span))
    }
}

/// The largest number that divides both.
fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::lib::matrix::{Matrix, Multiply};
    use crate::kernels::way::Block;

    #[test]
    fn parts_end_with_samples_and_tiles() {
        let of = |way: Way, pixels: u32| Tiles::of(way).unwrap().part_of(pixels);
        let block = Way::Block(Block::new(128, 64, 16));
        assert_eq!([1024, 256, 64, 16].map(|pixels| of(block, pixels)), [Some(128), Some(128), Some(64), Some(16)]);
        assert_eq!([4, 49, 1, 196, 8].map(|pixels| of(block, pixels)), [None; 5]);
        let matrix = Matrix::new(64, 128, 32, 32, 64);
        assert_eq!([1024, 16, 8].map(|pixels| of(Way::Matrix(matrix), pixels)), [Some(64), Some(16), None]);
        let eights = Matrix::new(24, 64, 16, 8, 64).by(Multiply::Eights);
        assert_eq!([24, 8].map(|pixels| of(Way::Matrix(eights), pixels)), [Some(24), None]);
        // A part would begin in the middle of a span.
        let (wide, narrow) = (Matrix::new(192, 64, 16, 64, 32), Matrix::new(192, 64, 16, 32, 32));
        assert_eq!((of(Way::Matrix(wide), 96), of(Way::Matrix(narrow), 96)), (None, Some(96)));
        assert!(Tiles::of(Way::Shuffle).is_none());
    }
}
