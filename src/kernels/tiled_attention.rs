//! Multi-head attention by tiles in workgroup memory.

use super::attention::{Params, SIZES, forward_in, tolerance, twin};
use super::lib::Case;
use super::lib::heads::Heads;
use super::lib::params::Lanes;
use super::lib::way::Way;
use crate::caps::Limits;
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tiled_attention", twin);

/// As [`super::attention::record`].
pub fn record(rec: &mut Recording, lanes: &Lanes, heads: &Heads, params: &Params, qkv: Span, y: Span, lse: Span) {
    let head = params.dim / params.heads;
    let variant = heads.variant(params.tokens, head).with("HEAD", head / 4).with("FACTOR", params.factor().to_bits());
    let blocks = params.tokens.div_ceil(heads.queries);
    let grid = lanes.grid(params.heads * blocks, lanes.max_rows.min(65_535));
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, qkv, y, lse], grid, 4 * params.products(lanes));
}

/// Self-test cases: one block, several of queries, of keys, of both; a quad a thread and two; as far as any device has the memory.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (tokens, heads, dim) in SIZES.into_iter().chain([(21, 1, 72)]) {
        let (params, head) = (Params { tokens, heads, dim }, dim / heads);
        let tiles = [(8, 16), (8, 80), (24, 32), (40, 48)].map(|(queries, keys)| Heads { queries, keys });
        for tile in tiles.into_iter().filter(|tile| tile.fits(&Limits::webgpu_default(), tokens, head)) {
            let name = format!("tiled_attention {tile} {tokens} tokens {heads} heads of {head}");
            cases.push(Case::new(name, tolerance(tokens, head), move |f| {
                let (mut rec, _, [_, y, lse]) = forward_in(f, &params, Way::Heads(tile));
                rec.read_back(y);
                rec.read_back(lse);
                rec
            }));
        }
    }
    cases
}
