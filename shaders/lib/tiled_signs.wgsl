// Perturbed weights for products by tiles (lib/tiled.wgsl) whose columns are rows of weights. Rademacher signs lie in workgroup memory,
// SIGN_SPAN of each row's weights at a time: as many as a few slices take. SIGN_SPAN 0: they are made weight by weight.
//
// A kernel that imports this calls make_signs(first, t) in slice() where a span begins: `first` is the flat index of column 0's weights of
// it, SIGN_ROW those from one column to the next.
#import lib/perturbed.wgsl

const SIGN_SPAN: u32 = 128u;
// Blocks of 128 that a span touches, at worst.
const SIGN_BLOCKS: u32 = (SIGN_SPAN + 126u) / 128u + 1u;

var<workgroup> sign_words: array<vec4<u32>, BLOCK_N * SIGN_BLOCKS>;

// Of `row` weights a column, columns below `count`.
fn make_signs(first: u32, row: u32, count: u32, t: u32) {
    for (var x = t; x < BLOCK_N * SIGN_BLOCKS; x += THREADS) {
        let n = min(x / SIGN_BLOCKS, count - 1u);
        sign_words[x] = sign_block(((first + n * row) >> 7u) + x % SIGN_BLOCKS);
    }
    workgroupBarrier();
}

// 32 signs of column n (of the tile) in one of which weight i lies; `first`: the flat index of the column's span.
fn sign_word(n: u32, i: u32, first: u32) -> u32 {
    return sign_words[n * SIGN_BLOCKS + (i >> 7u) - (first >> 7u)][(i >> 5u) & 3u];
}

// The sign of weight i in bit 0.
fn sign_bit(n: u32, i: u32, first: u32) -> u32 {
    return (sign_word(n, i, first) >> (i & 31u)) & 1u;
}
