// Weights of a product by tiles, as they lie in its order (tile_weights.wgsl, packed_signs.wgsl). A kernel that imports this declares the
// arrays tile_copies: array<vec4<f32>> and tile_bits: array<u32>, and defines tile_depth(), rows of a copy, and tile_columns(), columns of
// a row. OWN_WEIGHTS 1: each lane has a copy of its own.
#import lib/perturbed.wgsl

const OWN_WEIGHTS: u32 = 0u;

// Four weights of row k from column n, a multiple of 4, on; beyond the last column those before.
fn tile_four(lane: u32, k: u32, n: u32) -> vec4<f32> {
    let row = (tile_columns() + 3u) / 4u;
    return tile_copies[(lane * OWN_WEIGHTS * tile_depth() + k) * row + min(n / 4u, row - 1u)];
}

// Their signs, in the low bits.
fn tile_signs(lane: u32, k: u32, n: u32) -> u32 {
    let row = (tile_columns() + 31u) / 32u;
    return tile_bits[(lane * tile_depth() + k) * row + min(n / 32u, row - 1u)] >> (n & 31u);
}

// Four weights with their flat indices, perturbed one by one.
fn perturb_places(quad: vec4<f32>, place: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(
        perturb_one(quad.x, place.x), perturb_one(quad.y, place.y), perturb_one(quad.z, place.z), perturb_one(quad.w, place.w),
    );
}
