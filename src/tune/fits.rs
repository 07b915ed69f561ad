//! Which ways and tiles suit a product.

use crate::caps::{AdapterInfo, Limits};
use crate::kernels::lib::heads::Heads;
use crate::kernels::lib::matrix::Matrix;
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

/// Matrices that may compute a pass, those that are likely to be fast first: of one f16 an operand before two, which are tried beside them only
/// where all are, since three products take longer than one.
pub(super) fn matrices(sizes: Sizes, pass: Pass, info: &AdapterInfo, limits: &Limits, scope: Scope) -> Vec<Matrix> {
    if heads_of(sizes).is_some() {
        return Vec::new();
    }
    let (rows, columns) = sizes.extent(pass);
    let splits: &[bool] = if info.matrices.single && scope == Scope::Few { &[false] } else { &[false, true] };
    let all = splits.iter().flat_map(|split| Matrix::candidates(info, limits, *split, scope == Scope::All));
    let mut all: Vec<Matrix> = all.filter(|tile| within((rows, columns), tile.rows, tile.columns)).collect();
    all.sort_by_key(|tile| (tile.split, tile.columns > columns || tile.rows > rows));
    all
}

/// Whether a tile isn't mostly beyond the last row or column of a product: one that is wins nowhere.
pub(super) fn within((rows, columns): (u32, u32), tile_rows: u32, tile_columns: u32) -> bool {
    let most = |size: u32| size.max(32).saturating_mul(2);
    tile_rows < most(rows) && tile_columns <= most(columns)
}

/// Whether a way computes such products at all.
pub(super) fn suits(sizes: Sizes, way: Way) -> bool {
    match way {
        Way::Shuffle => true,
        Way::Block(_) | Way::Matrix(_) => heads_of(sizes).is_none(),
        Way::Heads(_) => heads_of(sizes).is_some(),
    }
}

/// Tokens, and values of a head, of attention.
pub(super) fn heads_of(sizes: Sizes) -> Option<(u32, u32)> {
    if let Sizes::Attention { tokens, heads, dim } = sizes { Some((tokens, dim / heads)) } else { None }
}

/// Tiles of attention that a device's limits admit, the largest first.
pub(super) fn heads(sizes: Sizes, limits: &Limits) -> Vec<Heads> {
    let fitting =
        |(tokens, head)| Heads::candidates(tokens).into_iter().filter(move |tile| tile.fits(limits, tokens, head));
    heads_of(sizes).into_iter().flat_map(fitting).collect()
}

/// Tiles that fit a product and a device.
pub(super) fn likely_tiles(sizes: Sizes, pass: Pass, limits: &Limits) -> Option<Way> {
    if heads_of(sizes).is_some() {
        return heads(sizes, limits).first().copied().map(Way::Heads);
    }
    likely(sizes, pass, limits).map(Way::Block)
}

/// A tile that fits a product: of 128 or 64 rows and 64 columns where it has as many.
pub(super) fn likely(sizes: Sizes, pass: Pass, limits: &Limits) -> Option<Block> {
    let (rows, columns) = sizes.extent(pass);
    let wide = [Block::new(128, 64, 16), Block::new(64, 64, 16), Block::new(64, 64, 8)];
    let narrow = [Block::new(64, 32, 16).of_threads(8, 4), Block::new(32, 32, 16).of_threads(4, 4)];
    let tiles: &[Block] = if columns > 32 { &wide } else { &narrow };
    tiles.iter().copied().find(|block| (block.rows <= 64 || block.rows < 2 * rows.min(64 << 10)) && block.fits(limits))
}
