// Layers over rows without pixels: linear ones and the classifier, layer norm, token embeddings, attention.

#section linear
// What the ways of computing a linear layer share: its uniform block, and what follows the product.
// Y[row][o] = act(b[o] + sum_k W[o][k] * X[row][k]) + R[row][o], ACTIVATION 0: none, 1: max(0, v), 2: v / 2 (1 + erf(v / sqrt 2)).
// RESIDUAL 1: R is added (never behind an activation), 0: it isn't read.
#import lib/math.wgsl:rectify
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:elementary
struct Params {
    inputs: u32,
    outputs: u32,
    // Flat indices of the two tensors; the bias one is 0xffffffff where there is none.
    weight_offset: u32,
    bias_offset: u32,
    // 1: rows of X start at lane.x_row (the batch, shared by probes), 0: at lane.row0.
    from_batch: u32,
    // 0: none, 1: ReLU, 2: GELU.
    activation: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// params.activation as a constant.
const ACTIVATION: u32 = 0u;
const RESIDUAL: u32 = 0u;

fn activation() -> u32 {
#ifdef ANY_SHAPE
    return params.activation;
#else
    return ACTIVATION;
#endif
}

fn activated(sum: f32) -> f32 {
    if (activation() == 1u) { return rectify(sum); }
    if (activation() == 2u) { return 0.5f * sum * (1.0f + erf_f32(sum * 0.70710678f)); }
    return sum;
}

#section class_rows
// Which class's row of the classifier a parameter belongs to. The importer's `params` has the members weight_first, weight_len, row,
// bias_first and bias_len (`src/kernels/lib/class_rows.rs`).
const NO_CLASS: u32 = 0xffffffffu;

// The class of the parameter with this index of the flat vector; NO_CLASS where it isn't the classifier's.
fn class_of(index: u32) -> u32 {
    // Below zero modulo 2^32 before the tensor: beyond its length.
    let w = index - params.weight_first;
    if w < params.weight_len {
        return w / params.row;
    }
    let b = index - params.bias_first;
    return select(NO_CLASS, b, b < params.bias_len);
}

#section layer_norm
// What the kernels of layer norm share: rows of DIM f32, of which a thread owns the Values t, t + 64, ... A workgroup takes
// ROWS_AT_ONCE rows at a time, so that one tree of barriers serves them all, and a block of rows in all.
#import lib/lanes.wgsl:lane

struct Params {
    dim: u32,
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// Values of a row, params.dim / WIDTH.
const COLUMNS: u32 = 1u;
// Values that a thread owns.
const OWN: u32 = (COLUMNS + 63u) / 64u;
const ROWS_AT_ONCE: u32 = 4u;
// Rows of a workgroup.
const ROWS: u32 = 32u;

const EPS: f32 = 1.0e-5f;

// A thread's Values of the rows at hand.
alias Block = array<array<Value, OWN>, ROWS_AT_ONCE>;

// Four sums over the 64 threads of a workgroup by the tree of lib/tree.wgsl: four rows for the barriers of one.
var<workgroup> tree4_values: array<vec4<f32>, 64>;

fn tree_sum4(t: u32, value: vec4<f32>) -> vec4<f32> {
    // The last call's result may still be being read.
    workgroupBarrier();
    tree4_values[t] = value;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step >>= 1u) {
        if t < step {
            tree4_values[t] += tree4_values[t + step];
        }
        workgroupBarrier();
    }
    return tree4_values[0];
}

#section embedding
// What the kernels of token embeddings share: [row][dim][patch] before, or [row][patch][dim] with channels last; [row][1 + patch][dim]
// behind, the class token first.
#import lib/lanes.wgsl:lane
#import lib/images.wgsl:layout

struct Params {
    dim: u32,
    patches: u32,
    // Flat indices of the class token [dim] and of the positions [1 + patches][dim].
    class_offset: u32,
    position_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

#section heads
// What the kernels of attention share. Rows of qkv are [q | k | v] of a token, each DIM = heads x head Values; rows of y and dy are DIM.
// A workgroup works on a head of a sample: a token a thread, THREADS of them; tokens beyond the last compute its values and store
// nothing. Launch: x = heads x tokens / THREADS, y = rows of the largest lane (at most 65,535, then strided), z = lanes.
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:elementary

struct Params {
    tokens: u32,
    heads: u32,
    dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

const THREADS: u32 = 64u;
// Values of a head: dim / heads / WIDTH.
const HEAD: u32 = 1u;
// f32 bits of the factor of the scores, 1 / sqrt(dim / heads).
const FACTOR: u32 = 0x3f800000u;

// A head's part of a token.
alias Part = array<Value, HEAD>;

// First Value of the part of a token (row of the projection) in q (0), k (1) or v (2).
fn qkv_part(token: u32, part: u32, head: u32) -> u32 {
    return (token * 3u + part) * (params.heads * HEAD) + head * HEAD;
}

fn y_part(token: u32, head: u32) -> u32 {
    return (token * params.heads + head) * HEAD;
}

#section head_tiles
// Tiles of attention in workgroup memory. A workgroup has QUERIES rows, 8 a team of 16 threads; a member of a team owns every 16th key of a
// block of KEYS, or every 16th quad of a head. Two products, both sums over k in order:
//   scores(at)        of 8 rows with the member's keys, over a head's elements
//   add_rows(at, n)   of 8 rows, n terms each, into the member's quads
// Rows of `along` are a quad longer than a head and those of `across` odd, so that neighbours lie in other banks.
const MEMBERS: u32 = 16u;
const QUERIES: u32 = 8u;
const KEYS: u32 = 16u;
// Keys that there are, at most KEYS: rows of `along`.
const STORED: u32 = 16u;
// Keys and quads of a member.
const OWN_KEYS: u32 = 1u;
const OWN_QUADS: u32 = 1u;
// Where the weights lie in `across`: behind the queries where these are wanted again, else in their place. Then all of its quads.
const WEIGHTS_AT: u32 = 0u;
const ACROSS: u32 = 64u;
const STEP: u32 = (QUERIES / 4u) | 1u;
const STRIDE: u32 = HEAD + 1u;

// Four rows of one k next to each other: [k][row]. Then four elements of a row: [row][element].
var<workgroup> across: array<vec4<f32>, ACROSS>;
var<workgroup> along: array<vec4<f32>, STORED * STRIDE>;

// Of 8 rows, in fours, and each own key.
struct Scores {
#for k in OWN_KEYS
#for h in 2
    s{h}_{k}: vec4<f32>,
#end
#end
}

// Of 8 rows each own quad.
struct Rows {
#for h in 2
#for e in 4
#for c in OWN_QUADS
    r{h}{e}_{c}: vec4<f32>,
#end
#end
#end
}

fn scores(at: u32, own: u32, member: u32) -> Scores {
    var sums: Scores;
#for k in OWN_KEYS
    let key{k} = min({k}u * MEMBERS + member, STORED - 1u) * STRIDE;
#end
    for (var c = 0u; c < HEAD; c += 1u) {
#for k in OWN_KEYS
        let b{k} = along[key{k} + c];
#end
#for e in 4
        {
            let begin = at + (4u * c + {e}u) * STEP + own / 4u;
#for h in 2
            let a{h} = across[begin + {h}u];
#for k in OWN_KEYS
            sums.s{h}_{k} = fma(a{h}, vec4<f32>(b{k}[{e}]), sums.s{h}_{k});
#end
#end
        }
#end
    }
    return sums;
}

fn add_rows(before: Rows, at: u32, terms: u32, own: u32, member: u32) -> Rows {
    var sums = before;
    for (var k = 0u; k < terms; k += 1u) {
        let begin = at + k * STEP + own / 4u;
#for h in 2
        let a{h} = across[begin + {h}u];
#end
#for c in OWN_QUADS
        let b{c} = along[k * STRIDE + min({c}u * MEMBERS + member, HEAD - 1u)];
#for h in 2
#for e in 4
        sums.r{h}{e}_{c} = fma(vec4<f32>(a{h}[{e}]), b{c}, sums.r{h}{e}_{c});
#end
#end
#end
    }
    return sums;
}
