// Weights with a lane's perturbation, which is formed while they are read: one by one, as Values, along the rows of a tile.

#section weight
// Weights as a lane sees them: w + coef * z, z formed from the lane's seed. The importing kernel declares the storage
// buffer `weights: array<f32>`.
#import lib/lanes.wgsl:lane
#import lib/stream.wgsl:elements

// 0: plain weights; else 1 + the stream number of the distribution.
override PERTURB: u32 = 0u;

fn weight_at(lane: Lane, i: u32) -> f32 {
    let base = weights[lane.weight_base + i];
    if PERTURB == 0u {
        return base;
    }
    return base + lane.coef * stream_element(PERTURB - 1u, vec2<u32>(lane.seed_lo, lane.seed_hi), i, 0u);
}

#section weight_value
// Perturbed weights as a Value (lib/values.wgsl:value), of any flat index: of four neighbours, which lie in one or two blocks of the
// stream, or of one.
#import lib/weights.wgsl:weight
#ifdef QUADS
#import lib/stream.wgsl:quad
#import lib/values.wgsl:window

fn weight_value(lane: Lane, i: u32) -> vec4<f32> {
    let at = lane.weight_base + i;
    let base = vec4<f32>(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
    if PERTURB == 0u {
        return base;
    }
    let key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    if PERTURB == 1u {
        let block = i >> 7u;
        let a = rademacher_block(key, block, 0u);
        var b = a;
        if (i & 127u) > 124u {
            b = rademacher_block(key, block + 1u, 0u);
        }
        var signs: vec4<f32>;
        for (var k = 0u; k < 4u; k += 1u) {
            let e = i + k;
            let words = select(a, b, (e >> 7u) != block);
            signs[k] = rademacher_sign(words[(e >> 5u) & 3u], e & 31u);
        }
        return base + lane.coef * signs;
    }
    let a = stream_quad(PERTURB - 1u, key, vec2<u32>(i >> 2u, 0u));
    var b = a;
    if (i & 3u) != 0u {
        b = stream_quad(PERTURB - 1u, key, vec2<u32>((i >> 2u) + 1u, 0u));
    }
    return base + lane.coef * window(a, b, i & 3u);
}
#else

fn weight_value(lane: Lane, i: u32) -> f32 {
    return weight_at(lane, i);
}
#endif

#section perturbed
// Weights perturbed while they are loaded: w + coef * e. PERTURB: 0 none, 1 rademacher, 2 binomial, 3 gaussian, 4 uniform.
// Rademacher: a thread walks along a row of weights; each 128 of them take one Philox block, kept until the next 128,
// because rows do not start on block borders. The rest: one or two blocks for four weights.
#import lib/stream.wgsl:elements

const PERTURB: u32 = 0u;

var<private> lane_key: vec2<u32>;
var<private> lane_coef: f32;

fn sign_block(block: u32) -> vec4<u32> {
    return rademacher_block(lane_key, block, 0u);
}

// The 128 signs from element `first` (< 128) of two neighbouring blocks on.
fn sign_window(a: vec4<u32>, b: vec4<u32>, first: u32) -> vec4<u32> {
    let one = (first & 32u) != 0u;
    let two = (first & 64u) != 0u;
    var lo = select(a, vec4<u32>(a.yzw, b.x), one);
    var hi = select(b.xyz, b.yzw, one);
    let words = select(lo, vec4<u32>(lo.zw, hi.xy), two);
    let last = select(hi.x, hi.z, two);
    let s = vec4<u32>(first & 31u);
    let above = vec4<u32>(words.yzw, last);
    return (words >> s) | ((above << (vec4<u32>(31u) - s)) << vec4<u32>(1u));
}

// Four weights w of flat index i, with their four signs in the low bits of `signs` (rademacher only).
fn perturb_four(w: vec4<f32>, i: u32, signs: u32) -> vec4<f32> {
    if (PERTURB == 1u) {
        let plus = (vec4<u32>(signs) & vec4<u32>(1u, 2u, 4u, 8u)) != vec4<u32>();
        return w + select(vec4<f32>(-lane_coef), vec4<f32>(lane_coef), plus);
    }
    if (PERTURB > 1u) {
        return w + lane_coef * elements_four(i);
    }
    return w;
}

fn element_block(block: u32) -> vec4<f32> {
    if (PERTURB == 2u) { return binomial_block(lane_key, block, 0u); }
    if (PERTURB == 3u) { return gaussian_block(lane_key, block, 0u); }
    return uniform_block(lane_key, block, 0u);
}

// Elements i..i+4 of a distribution of four elements a block.
fn elements_four(i: u32) -> vec4<f32> {
    let a = element_block(i >> 2u);
    let b = element_block((i >> 2u) + 1u);
    let one = (i & 1u) != 0u;
    let lo = select(a, vec4<f32>(a.yzw, b.x), one);
    let hi = select(b.xy, b.yz, one);
    return select(lo, vec4<f32>(lo.zw, hi.x, hi.y), (i & 2u) != 0u);
}

// One weight of flat index i by the Philox block in which it lies (rademacher only).
fn perturb_by(w: f32, block: vec4<u32>, i: u32) -> f32 {
    let word = block[(i >> 5u) & 3u];
    return w + select(-lane_coef, lane_coef, ((word >> (i & 31u)) & 1u) != 0u);
}

// One weight.
fn perturb_one(w: f32, i: u32) -> f32 {
    if (PERTURB == 1u) {
        return perturb_by(w, sign_block(i >> 7u), i);
    }
    if (PERTURB > 1u) {
        return w + lane_coef * element_block(i >> 2u)[i & 3u];
    }
    return w;
}

#section signs
// Rademacher signs of a tile's rows: a Philox block for 128 weights of a row, and one more where the row starts within a block. An
// invocation makes those of its own rows; where rows are short, a subgroup makes the blocks of all its rows at once, an invocation each,
// and those of the biases with them, and shares them. `bias` is the flat index of the team's first bias, `own` the invocation's place in
// its team.
#import lib/weights.wgsl:perturbed

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
