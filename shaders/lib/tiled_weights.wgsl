// Weights of a product by tiles, as they lie in its order (tile_weights.wgsl, packed_signs.wgsl), perturbed when they are put away. A
// kernel that imports this declares the arrays tile_copies: array<vec4<f32>> and tile_bits: array<u32>, and what lib/tiled_bias.wgsl
// wants, and defines tile_depth(), rows of a copy, and weight_place(k), the flat index of column 0's weight of row k, those of a column
// being tile_depth() in a row. OWN_WEIGHTS 1: each lane has a copy of its own.
#import lib/tiled_bias.wgsl

// Of the thread's quads: the first of four columns, their k of a slice, and signs of the slice that is next.
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;
var<private> b_signs: array<u32, B_QUADS>;

fn b_start(i: u32, n: u32, k: u32) {
    b_column[i] = n;
    b_k[i] = k;
}
// Beyond the last column and row those before.
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + b_k[i];
    let n = b_column[i];
    let row = min(at, tile_depth() - 1u);
    if (PERTURB == 1u) {
        let words = (tile_columns() + 31u) / 32u;
        b_signs[i] = tile_bits[(lane_index * tile_depth() + row) * words + min(n / 32u, words - 1u)] >> (n & 31u);
    }
    let quads = (tile_columns() + 3u) / 4u;
    let quad = tile_copies[(lane_index * OWN_WEIGHTS * tile_depth() + row) * quads + min(n / 4u, quads - 1u)];
    return select(vec4<f32>(), quad, at < tile_depth());
}
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    if (PERTURB < 2u) { return perturb_four(quad, 0u, b_signs[i]); }
    // Beyond the last row and column anything will do.
    let n = min(vec4<u32>(b_column[i]) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(tile_columns() - 1u));
    let place = vec4<u32>(weight_place(min(k + b_k[i], tile_depth() - 1u))) + n * tile_depth();
    return vec4<f32>(
        perturb_one(quad.x, place.x), perturb_one(quad.y, place.y), perturb_one(quad.z, place.z), perturb_one(quad.w, place.w),
    );
}
