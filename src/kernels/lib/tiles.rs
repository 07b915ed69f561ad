//! Tiles in workgroup memory as a kernel's launch sees them, whatever multiplies them.

use super::way::Way;
use crate::recording::kernel::Variant;

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
    variant: Variant,
}

impl Tiles {
    /// Of a way; none where it has no tiles in workgroup memory.
    pub fn of(way: Way) -> Option<Self> {
        match way {
            Way::Shuffle | Way::Heads(_) => None,
            Way::Block(b) => {
                let (threads, memory) = (b.threads(), b.memory());
                Some(Self { rows: b.rows, columns: b.columns, depth: b.depth, threads, memory, variant: b.variant() })
            }
            Way::Matrix(m) => {
                let (threads, memory) = (m.threads(), m.memory());
                Some(Self { rows: m.rows, columns: m.columns, depth: m.depth, threads, memory, variant: m.variant() })
            }
        }
    }

    /// The constants and defines of a kernel.
    pub fn variant(&self) -> Variant {
        self.variant.clone()
    }
}
