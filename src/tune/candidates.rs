//! The ways that a pass of a product may be computed with on a device.

use super::Ways;
use super::fits::{Scope, heads, likely, matrices, within};
use crate::caps::{AdapterInfo, Limits};
use crate::kernels::lib::matrix::Matrix;
use crate::kernels::way::{Block, Way};
use crate::layers::{Pass, Sizes};

/// Tiles that won for some product on some adapter.
const FEW: [Block; 3] = [Block::new(128, 64, 16), Block::new(64, 64, 16), Block::new(128, 128, 8)];

/// Those that won where there are few columns, and where there are few tiles in all: gradients of weights.
const NARROW: [Block; 2] = [Block::new(64, 32, 16).of_threads(8, 4), Block::new(32, 32, 16).of_threads(4, 4)];

/// Those that won for large products of linear layers.
const FEW_LINEAR: [Block; 2] = [Block::new(64, 64, 16).two_stages(), Block::new(128, 128, 16).two_stages()];

/// The others.
const MORE: [Block; 10] = [
    Block::new(128, 128, 16),
    Block::new(128, 128, 16).two_stages(),
    Block::new(128, 128, 8).two_stages(),
    Block::new(128, 64, 16).two_stages(),
    Block::new(64, 64, 16).two_stages(),
    Block::new(64, 128, 16),
    Block::new(64, 64, 8),
    Block::new(64, 64, 16).of_threads(4, 8),
    Block::new(128, 64, 16).of_threads(4, 8),
    Block::new(64, 32, 16).of_threads(4, 4),
];

/// A scheme of computing products: ways that differ by their tiles alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Shuffle,
    Block,
    Matrix,
    Matrix3,
    Heads,
}

impl Scheme {
    fn of(way: Way) -> Self {
        match way {
            Way::Shuffle => Self::Shuffle,
            Way::Block(_) => Self::Block,
            Way::Matrix(Matrix { split: false, .. }) => Self::Matrix,
            Way::Matrix(_) => Self::Matrix3,
            Way::Heads(_) => Self::Heads,
        }
    }
}

/// Whether two ways differ by their tiles alone.
pub fn alike(a: Way, b: Way) -> bool {
    Scheme::of(a) == Scheme::of(b)
}

/// The ways of a pass that a device, its limits and its layout admit: by shuffles, then those of each scheme, the likely one first.
pub fn candidates((sizes, pass): (Sizes, Pass), info: &AdapterInfo, limits: &Limits, scope: Scope) -> Vec<Way> {
    let mut ways = vec![Way::Shuffle];
    if !Ways::by_shuffles(info.layout).admits(sizes) {
        return ways;
    }
    if matches!(sizes, Sizes::Attention { .. }) {
        ways.extend(heads(sizes, limits).into_iter().map(Way::Heads));
        return ways;
    }
    let linear = matches!(sizes, Sizes::Linear { .. });
    let more: &[Block] = match scope {
        Scope::All => &MORE,
        Scope::Few if linear => &FEW_LINEAR,
        Scope::Few => &[],
    };
    let (_, columns) = sizes.extent(pass);
    let narrow: &[Block] = if scope == Scope::All || pass == Pass::Weight || columns <= 64 { &NARROW } else { &[] };
    let fits = |block: &Block| within(sizes.extent(pass), block.rows, block.columns) && block.fits(limits);
    let mut blocks: Vec<Block> = FEW.iter().chain(narrow).chain(more).copied().filter(fits).collect();
    let first = likely(sizes, pass, limits);
    blocks.sort_by_key(|block| Some(*block) != first);
    ways.extend(blocks.into_iter().map(Way::Block));
    ways.extend(matrices(sizes, pass, info, limits, scope).into_iter().map(Way::Matrix));
    ways
}

/// The first of each scheme.
pub fn first_of_each(ways: &[Way]) -> Vec<Way> {
    let mut first: Vec<Way> = Vec::new();
    for way in ways {
        if !first.iter().any(|known| alike(*known, *way)) {
            first.push(*way);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::{Layout, Matrices, MatrixSize, Precision};
    use crate::device::ReferenceDevice;

    #[test]
    fn a_precision_s_candidates_are_those_that_it_admits() {
        let limits = Limits { workgroup_memory: 48 << 10, invocations: 1024, ..Limits::webgpu_default() };
        let sizes = Sizes::Conv { input: [64, 8, 8], output: [64, 8, 8], kernel: 3, stride: 1, padding: 1 };
        for (precision, scope, expected) in [
            (Precision::F32, Scope::Few, &["shuffle", "block"][..]),
            (Precision::F16x3, Scope::Few, &["shuffle", "block", "matrix3"]),
            // Three products are never faster than one of the same tile.
            (Precision::F16, Scope::Few, &["shuffle", "block", "matrix"]),
            (Precision::F16, Scope::All, &["shuffle", "block", "matrix", "matrix3"]),
        ] {
            let has = Matrices { size: Some(MatrixSize::Sixteens), ..Matrices::default() };
            let layout = Layout::ChannelsLast;
            let info = AdapterInfo { layout, matrices: has.trusted(precision), ..ReferenceDevice::adapter() };
            let of = |pass| candidates((sizes, pass), &info, &limits, scope);
            let firsts: Vec<String> = first_of_each(&of(Pass::Perturbed)).iter().map(Way::to_string).collect();
            let words: Vec<&str> = firsts.iter().filter_map(|way| way.split(' ').next()).collect();
            assert_eq!(words, expected, "{precision:?} {scope:?}");
            assert!(of(Pass::Weight).iter().all(|way| precision.admits(*way)), "{precision:?}");
            let first = AdapterInfo { layout: Layout::ChannelsFirst, ..info.clone() };
            assert_eq!(candidates((sizes, Pass::Forward), &first, &limits, scope), [Way::Shuffle]);
        }
        // Where single ones are wrong on a device, split ones stay.
        let matrices = Matrices { size: Some(MatrixSize::Sixteens), single: false, split: true, halves: false };
        let info = AdapterInfo { layout: Layout::ChannelsLast, matrices, ..ReferenceDevice::adapter() };
        let ways = candidates((sizes, Pass::Forward), &info, &limits, Scope::Few);
        assert!(ways.iter().any(|way| Scheme::of(*way) == Scheme::Matrix3));
    }
}
