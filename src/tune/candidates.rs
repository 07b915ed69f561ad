//! The ways that a pass of a product may be computed with on a device.

use super::Ways;
use super::ways::{heads, matrices};
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
    if matches!(sizes, Sizes::Attention { .. }) {
        ways.extend(heads(sizes, limits).into_iter().map(Way::Heads));
        return ways;
    }
    let columns = match pass {
        Pass::Forward | Pass::Perturbed => sizes.columns(),
        Pass::Weight | Pass::Input => sizes.inputs(),
    };
    let more: &[Block] = if scope == Scope::All { &MORE } else { &[] };
    let blocks = FEW.iter().chain(more).filter(|block| {
        // A tile that is mostly beyond the last column wins nowhere.
        (block.columns <= 2 * columns.max(16)) && block.fits(limits)
    });
    ways.extend(blocks.map(|block| Way::Block(*block)));
    ways.extend(matrices(sizes, pass, info, limits).into_iter().map(Way::Matrix));
    ways
}
