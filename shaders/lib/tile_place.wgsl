// What the ways of lib/tiled.wgsl share: a workgroup's place in the product, and where quads of a slice lie in its tile.
struct Block {
    m0: u32,
    n0: u32,
    k_first: u32,
    k_end: u32,
    any: bool,
}

// Place of quad x of a slice of `rows` rows: its row, or its first one, and its k.
fn quad_place(x: u32, rows: u32, along_k: u32) -> vec2<u32> {
    if (along_k == 1u) { return vec2<u32>(x / (BLOCK_K / 4u), x % (BLOCK_K / 4u) * 4u); }
    return vec2<u32>(x % (rows / 4u) * 4u, x / (rows / 4u));
}
