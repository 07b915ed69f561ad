// Weights of products by tiles in workgroup memory: their order, how they and the bias are loaded, the sum of their gradient.

#section term
// A term of a convolution's sum in products by tiles: channels in slabs, and of each slab tap after tap.
struct Term {
    channel: u32,
    tap: u32,
}

fn term_in(k: u32, slab: u32, taps: u32) -> Term {
    let in_slab = k % (slab * taps);
    return Term(k / (slab * taps) * slab + in_slab % slab, in_slab / slab);
}

#section order
// The order in which products by tiles read weights: k outermost, a row of columns n each (src/kernels/lib/tile_order.rs). `channels` and
// `taps` are those of the sum, `slab` its slabs' channels (lib/tiled_weights.wgsl:term); `across` 1: a column's weights are neighbours in
// the tensor, [n][channel][tap], as in forward passes (a linear layer has one tap); 0: [channel][n][tap], as in the gradient of a
// convolution's input.
#import lib/tiled_weights.wgsl:term

struct Order {
    channels: u32,
    taps: u32,
    slab: u32,
    columns: u32,
    across: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
    also_unused: u32,
    still_unused: u32,
}

fn depth_of(order: Order) -> u32 {
    return order.channels * order.taps;
}

// Where weight (k, n) lies in its tensor.
fn place_of(order: Order, k: u32, n: u32) -> u32 {
    let term = term_in(k, order.slab, order.taps);
    let outer = select(term.channel * order.columns + n, n * order.channels + term.channel, order.across == 1u);
    return outer * order.taps + term.tap;
}

// The k of the weight that is number `flat` of its column's.
fn k_of(order: Order, flat: u32) -> u32 {
    let channel = flat / order.taps;
    return channel / order.slab * (order.slab * order.taps) + flat % order.taps * order.slab + channel % order.slab;
}

#section slabs
// The order of a convolution's sum in products by tiles: channels in slabs of 16, or of a slice where that is more, and of each slab tap
// after tap (lib/tiled_weights.wgsl:term), so that the terms of a slice are neighbours in memory, and a slab's values, which its taps
// share, stay near. Where SLAB doesn't divide the channels all of them are one slab.
#import lib/tiled_weights.wgsl:term

const SLAB: u32 = max(16u, BLOCK_K);

fn slab_of(channels: u32) -> u32 {
    return select(channels, SLAB, channels % SLAB == 0u);
}

fn term_of(k: u32, channels: u32, taps: u32) -> Term {
    return term_in(k, slab_of(channels), taps);
}

// The term that is number e of the slice that begins at k. Where slabs are whole a slice lies within one tap of one slab: what is divided
// is the same for all threads then.
fn term_within(k: u32, e: u32, channels: u32, taps: u32) -> Term {
    if (channels % SLAB != 0u) { return term_of(k + e, channels, taps); }
    let first = term_of(k, channels, taps);
    return Term(first.channel + e, first.tap);
}

#section tensor
// A tensor on its way into the order in which products by tiles read it (lib/tiled_weights.wgsl:order): the uniform block of the kernels
// that bring it there, and the lanes they do it for.
#import lib/tiled_weights.wgsl:order

struct Params {
    order: Order,
    // Flat index of the tensor.
    offset: u32,
    // tile_weights.wgsl, RUN: weights of a column that a workgroup moves, numbered [channel][tap], at most 32. Whole channels where a
    // channel's columns are neighbours in the tensor.
    run: u32,
    unused: u32,
    also_unused: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

#section bias
// The bias that the sums of a product by tiles begin with. A kernel that imports this declares the variables lane and lane_index, and
// defines tile_columns(), outputs of a row, and one_weight(i). What its weights lie in is its own lane's where OWN_WEIGHTS is 1.
#import lib/weights.wgsl:perturbed

const OWN_WEIGHTS: u32 = 0u;

fn column_quad(n: u32) -> vec4<f32> {
    var bias = vec4<f32>();
    if (params.bias_offset != 0xffffffffu) {
        for (var e = 0u; e < 4u; e++) {
            let i = params.bias_offset + min(n + e, tile_columns() - 1u);
            bias[e] = perturb_one(one_weight(lane.weight_base + i), i);
        }
    }
    return bias;
}

#section weights
// Weights of a product by tiles, as they lie in its order (tile_weights.wgsl, packed_signs.wgsl), perturbed when they are put away. A
// kernel that imports this declares the arrays tile_copies: array<vec4<f32>> and tile_bits: array<u32>, and what
// lib/tiled_weights.wgsl:bias wants, and defines tile_depth(), rows of a copy, and weight_place(k), the flat index of column 0's weight of
// row k, those of a column being tile_depth() in a row. OWN_WEIGHTS 1: each lane has a copy of its own.
#import lib/tiled_weights.wgsl:bias

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

#section half_weights
// Weights of a product by tiles as f16, perturbed before it, of each column along k (half_weights.wgsl): columns of whole 64 k, of which
// those behind the last are 0. A kernel that imports this declares the array tile_copies: array<vec4<u32>>, and what
// lib/tiled_weights.wgsl:bias wants, and defines tile_depth(), terms of the sum. OWN_WEIGHTS 1: each lane has such weights of its own.
#import lib/tiled_weights.wgsl:bias

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

#section plain
// A product by tiles whose second operand is multiplied as it is loaded, with nothing added to a column.
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    return quad;
}
fn column_quad(n: u32) -> vec4<f32> {
    return vec4<f32>();
}

#section sum
// A weight's gradient by tiles in workgroup memory (lib/tiled.wgsl:product), summed over a lane's units (lib/lanes.wgsl:parts). Not split,
// a workgroup sums all of a lane's parts one after another, and goes on from what is there. PART_QUADS: only parts, rows of the product as
// they are, in whole quads.
//
// A kernel that imports this defines sum_rows() and sum_columns() of the product, and gradient_place(m, n) -> element within the weight.
#import lib/lanes.wgsl:weight_sum
#import lib/tiled.wgsl:product
#import lib/tiled_weights.wgsl:plain

#ifdef PART_QUADS
@group(0) @binding(4) var<storage, read_write> part_quads: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
#endif

var<private> lane: Lane;
var<private> slot: u32;
var<private> k_end: u32;

// The workgroup's place.
fn begin_sum(group: vec3<u32>) -> Block {
    let work = work_of(params.cut, group.z, sum_rows() * sum_columns());
    lane = lanes[work.lane];
    slot = work.base + params.sum.offset;
    let any = work.first < work.end;
    let first = part_units(params.cut, lane.rows, work.first).x;
    k_end = select(first, part_units(params.cut, lane.rows, max(work.end, 1u) - 1u).y, any);
    // A part that isn't there has nothing to leave; a whole sum of nothing is 0.
    return Block(group.y * BLOCK_M, group.x * BLOCK_N, first, k_end, any || params.cut.parts == 0u);
}
// The lane's first row in X.
fn first_input() -> u32 {
    return select(lane.row0, lane.x_row, params.sum.from_batch == 1u);
}
#ifdef PART_QUADS
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m < sum_rows() && n < sum_columns()) { part_quads[(slot + m * sum_columns() + n) / 4u] = sums; }
}
#else
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    var start = vec4<f32>();
    if (params.sum.accumulate == 1u && m < sum_rows()) {
        for (var e = 0u; e < 4u; e++) {
            if (n + e < sum_columns()) { start[e] = gradients[slot + gradient_place(m, n + e)]; }
        }
    }
    return start;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < sum_rows() && n + e < sum_columns()) { gradients[slot + gradient_place(m, n + e)] = sums[e]; }
    }
}
#endif
