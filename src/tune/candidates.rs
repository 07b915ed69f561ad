//! The ways that a pass of a product may be computed with on a device.

use super::Ways;
use super::ways::{matrices, within};
use crate::caps::{AdapterInfo, Layout, Limits};
use crate::kernels::way::{Block, Way};
use crate::layers::{Pass, Sizes};

/// How many ways are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Those that won somewhere.
    #[default]
    Few,
    /// All.
    All,
}

/// Tiles that won for some product on some adapter.
const FEW: [Block; 6] = [
    Block::new(128, 128, 8),
    Block::new(128, 64, 16),
    Block::new(64, 64, 16),
    Block::new(64, 64, 16).two_stages(),
    Block::new(64, 32, 16).of_threads(8, 4),
    Block::new(32, 32, 16).of_threads(4, 4),
];

/// The others.
const MORE: [Block; 10] = [
    Block::new(128, 128, 16),
    Block::new(128, 128, 16).two_stages(),
    Block::new(128, 128, 8).two_stages(),
    Block::new(128, 64, 16).two_stages(),
    Block::new(128, 64, 8),
    Block::new(64, 128, 16),
    Block::new(64, 64, 8),
    Block::new(64, 64, 16).of_threads(4, 8),
    Block::new(128, 64, 16).of_threads(4, 8),
    Block::new(64, 32, 16).of_threads(4, 4),
];

/// The ways of a pass that a device's limits and a layout admit; the first is by shuffles.
pub fn candidates(
    (sizes, pass): (Sizes, Pass),
    layout: Layout,
    info: &AdapterInfo,
    limits: &Limits,
    scope: Scope,
) -> Vec<Way> {
    let mut ways = vec![Way::Shuffle];
    if !Ways::by_shuffles(layout).admits(sizes) {
        return ways;
    }
    let more: &[Block] = if scope == Scope::All { &MORE } else { &[] };
    let fits = |block: &&Block| within(sizes.extent(pass), block.rows, block.columns) && block.fits(limits);
    let matrices = matrices(sizes, pass, info, limits);
    let mut blocks: Vec<Block> = FEW.iter().chain(more).filter(fits).copied().collect();
    if scope == Scope::Few && !matrices.is_empty() && blocks.len() > 2 {
        // Matrices are faster by far but where sums are short: a wide tile and a narrow one show that.
        blocks.drain(1..blocks.len() - 1);
    }
    ways.extend(blocks.into_iter().map(Way::Block));
    ways.extend(matrices.into_iter().map(Way::Matrix));
    ways
}
