// Weights of a product by tiles as f16, perturbed before it, of each column along k (half_weights.wgsl): columns of whole 64 k, of which
// those behind the last are 0. A kernel that imports this declares the array tile_copies: array<vec4<u32>>, and what lib/tiled_bias.wgsl
// wants, and defines tile_depth(), terms of the sum. OWN_WEIGHTS 1: each lane has such weights of its own.
#import lib/tiled_bias.wgsl

// Where the thread's eights begin.
var<private> b_first: array<u32, B_QUADS>;

fn b_start(i: u32, n: u32, k: u32) {
    let column = lane_index * OWN_WEIGHTS * tile_columns() + min(n, tile_columns() - 1u);
    b_first[i] = column * ((tile_depth() + 63u) / 64u * 8u) + k / 8u;
}
fn b_load(i: u32, k: u32) -> vec4<u32> {
    return tile_copies[b_first[i] + k / 8u];
}
fn b_ready(i: u32, k: u32, eight: vec4<u32>) -> vec4<u32> {
    return eight;
}
