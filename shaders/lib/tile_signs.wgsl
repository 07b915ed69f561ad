// Rademacher signs of a tile's rows: a Philox block for 128 weights of a row, and one more where the row starts within a block. An
// invocation makes those of its own rows; where rows are short, a subgroup makes the blocks of all its rows at once, an invocation each,
// and those of the biases with them, and shares them. `bias` is the flat index of the team's first bias, `own` the invocation's place in
// its team.
#import lib/perturbed.wgsl

// Flat index of the row in slot f.
var<private> tile_row: array<u32, TILE_O>;
// Of its next 128 weights, the 32 that come first in x.
var<private> tile_signs: array<vec4<u32>, TILE_O>;
// The block in which the next 128 weights start; where rows are short and shared, invocation j's is the j-th from the team's first row on.
var<private> tile_block: array<vec4<u32>, TILE_O>;

// 1: the rows are so short that SHARE of them lie in at most SHARE - 2 blocks, wherever the first of them starts (Product::shares_signs);
// never in the core tier. A constant: software adapters run both sides of a condition.
const SHORT: u32 = 0u;

// Functions: row_signs gives the 128 signs from flat index `row` on, the invocation's row in a list of rows that are short or not;
// next_signs those of the weights from `far`, a multiple of 128, on; perturb_bias the bias w of flat index i.
#ifdef SUBGROUP
// Of the biases: the invocation's own block.
var<private> bias_block: vec4<u32>;
// The invocation with the first of them.
var<private> bias_place: u32;

// Signs of the invocation's row from blocks that the subgroup has, from the one on in which row 0 of it starts.
fn shared_window(block: vec4<u32>, row: u32) -> vec4<u32> {
    let at = (row >> 7u) - (subgroupBroadcast(row, 0u) >> 7u);
    return sign_window(subgroupShuffle(block, at), subgroupShuffle(block, at + 1u), row & 127u);
}

fn row_signs(row: u32, short: u32, own: u32) -> vec4<u32> {
    if (short == 1u) {
        return shared_window(sign_block((subgroupBroadcast(row, 0u) >> 7u) + own), row);
    }
    return sign_window(sign_block(row >> 7u), sign_block((row >> 7u) + 1u), row & 127u);
}

fn start_signs(bias: u32, own: u32) {
    for (var f = 0u; f < TILE_O; f++) {
        var block = tile_row[f] >> 7u;
        if (SHORT == 1u) {
            block = (subgroupBroadcast(tile_row[f], 0u) >> 7u) + own;
            if (f == 0u && own >= SHARE - 2u) { block = (bias >> 7u) + own - (SHARE - 2u); }
        }
        tile_block[f] = sign_block(block);
    }
}

fn next_signs(far: u32) {
    for (var f = 0u; f < TILE_O; f++) {
        if (SHORT == 1u) {
            tile_signs[f] = shared_window(tile_block[f], tile_row[f]);
        } else {
            let i = tile_row[f] + far;
            let next = sign_block((i >> 7u) + 1u);
            tile_signs[f] = sign_window(tile_block[f], next, i & 127u);
            tile_block[f] = next;
        }
    }
}

fn start_bias_signs(bias: u32, own: u32) {
    bias_block = tile_block[0];
    bias_place = SHARE - 2u;
    if (SHORT == 0u) {
        bias_block = sign_block((bias >> 7u) + (own & 1u));
        bias_place = 0u;
    }
}

fn perturb_bias(w: f32, i: u32, bias: u32) -> f32 {
    if (PERTURB != 1u) { return perturb_one(w, i); }
    return perturb_by(w, subgroupShuffle(bias_block, bias_place + (i >> 7u) - (bias >> 7u)), i);
}
#else
// Those of the biases, which are at most 128.
var<private> bias_block: array<vec4<u32>, 2>;

fn row_signs(row: u32, short: u32, own: u32) -> vec4<u32> {
    return sign_window(sign_block(row >> 7u), sign_block((row >> 7u) + 1u), row & 127u);
}

fn start_signs(bias: u32, own: u32) {
    for (var f = 0u; f < TILE_O; f++) { tile_block[f] = sign_block(tile_row[f] >> 7u); }
}

fn next_signs(far: u32) {
    for (var f = 0u; f < TILE_O; f++) {
        let i = tile_row[f] + far;
        let next = sign_block((i >> 7u) + 1u);
        tile_signs[f] = sign_window(tile_block[f], next, i & 127u);
        tile_block[f] = next;
    }
}

fn start_bias_signs(bias: u32, own: u32) {
    bias_block[0] = sign_block(bias >> 7u);
    bias_block[1] = sign_block((bias >> 7u) + 1u);
}

fn perturb_bias(w: f32, i: u32, bias: u32) -> f32 {
    if (PERTURB != 1u) { return perturb_one(w, i); }
    let words = select(bias_block[0], bias_block[1], (i >> 7u) != (bias >> 7u));
    return perturb_by(w, words, i);
}
#endif
