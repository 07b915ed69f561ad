// Weights perturbed while they are loaded: w + coef * e. PERTURB: 0 none, 1 rademacher, 2 binomial, 3 gaussian, 4 uniform.
// Rademacher: a thread walks along a row of weights; each 128 of them take one Philox block, kept until the next 128,
// because rows do not start on block borders. The rest: one or two blocks for four weights.
#import lib/stream.wgsl

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
