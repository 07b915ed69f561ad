// Rademacher signs of a tile's rows, which an invocation makes for itself: a Philox block for 128 weights of a row, and one more where the
// row starts within a block. `bias` is the flat index of the team's first bias, `own` the invocation's place in its team.
#import lib/perturbed.wgsl

// Flat index of the row in slot f.
var<private> tile_row: array<u32, TILE_O>;
// Of its next 128 weights, the 32 that come first in x.
var<private> tile_signs: array<vec4<u32>, TILE_O>;
// The block in which the next 128 weights start.
var<private> tile_block: array<vec4<u32>, TILE_O>;
// Those of the biases, which are at most 128.
var<private> bias_block: array<vec4<u32>, 2>;

// 1: rows are short, which makes a difference where a subgroup shares signs.
const SHORT: u32 = 0u;

// The 128 signs from flat index `row` on, the invocation's row in a list of rows that are short or not.
fn row_signs(row: u32, short: u32, own: u32) -> vec4<u32> {
    return sign_window(sign_block(row >> 7u), sign_block((row >> 7u) + 1u), row & 127u);
}

fn start_signs(bias: u32, own: u32) {
    for (var f = 0u; f < TILE_O; f++) { tile_block[f] = sign_block(tile_row[f] >> 7u); }
}

// Of the weights from `far`, a multiple of 128, on.
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

// The bias w of flat index i.
fn perturb_bias(w: f32, i: u32, bias: u32) -> f32 {
    if (PERTURB != 1u) { return perturb_one(w, i); }
    let words = select(bias_block[0], bias_block[1], (i >> 7u) != (bias >> 7u));
    return perturb_by(w, words, i);
}
