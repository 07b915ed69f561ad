// dW[o][c][i][j] = sum over rows and output pixels of dy[row][y][x][o] * X[row][y * stride + i - padding][x * stride + j - padding][c],
// channels last, in parts (lib/parts.wgsl, units are pixels), by tiles in workgroup memory (lib/tiled.wgsl): rows of a tile are output
// channels, its columns (i, j, c). Not split, a workgroup sums all of a lane's parts one after another, and goes on from what is there.
// Dispatch: x = tiles of (i, j, c), y = tiles of o, z = lane, or lane and part. Traffic of a tile: units * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out; split, as many out for each part.
// IN_QUADS: channels of X are whole quads. TAPS_OUTER: parts are [o][i][j][c], in quads (part_sums.wgsl).
const A_ALONG_K: u32 = 0u;
const B_ALONG_K: u32 = 0u;
#import lib/parts.wgsl
#import lib/gradient.wgsl
#import lib/geometry.wgsl
#import lib/tiled.wgsl
#ifdef IN_QUADS
#operand @binding(3) inputs: vec4<f32>
#else
#operand @binding(3) inputs: f32
#endif

struct Params {
    cut: Cut,
    sizes: Sizes,
    // Of the weight in what is summed into.
    weight_offset: u32,
    // 1: X is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    accumulate: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#ifdef TAPS_OUTER
@group(0) @binding(4) var<storage, read_write> part_quads: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
#endif

var<private> lane: Lane;
var<private> slot: u32;
var<private> k_end: u32;
// Of the thread's quads: the first output channel and the first column, and their k of a slice.
var<private> a_channel: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

fn begin(group: vec3<u32>) -> Block {
    load_geometry();
    let work = work_of(params.cut, group.z, OUT_C * DEPTH);
    lane = lanes[work.lane];
    slot = work.base + params.weight_offset;
    let any = work.first < work.end;
    let first = part_units(params.cut, lane.rows, work.first).x;
    k_end = select(first, part_units(params.cut, lane.rows, max(work.end, 1u) - 1u).y, any);
    // A part that isn't there has nothing to leave; a whole sum of nothing is 0.
    return Block(group.y * BLOCK_M, group.x * BLOCK_N, first, k_end, any || params.cut.parts == 0u);
}
fn a_start(i: u32, m: u32, k: u32) {
    a_channel[i] = min(m, OUT_C - 1u);
    a_k[i] = k;
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + a_k[i];
    let inside = at < k_end;
    let quad = dy_four((lane.row0 * PIXELS + select(0u, at, inside)) * OUT_C + a_channel[i], OUT_C - a_channel[i]);
    return select(vec4<f32>(), quad, inside);
}
fn b_start(i: u32, n: u32, k: u32) {
    b_column[i] = n;
    b_k[i] = k;
}
// Index in X of what column n (that is (i, j, c)) meets at pixel k of the lane; the largest one where that lies outside.
fn input_place(n: u32, k: u32) -> u32 {
    let tap = n / IN_C;
    let pixel = k % PIXELS;
    let y = pixel / OUT_W * STRIDE + tap / KERNEL - PADDING;
    let x = pixel % OUT_W * STRIDE + tap % KERNEL - PADDING;
    let first = select(lane.row0, lane.x_row, params.from_batch == 1u);
    let place = ((first + k / PIXELS) * IN_H + y) * IN_W + x;
    return select(0xffffffffu, place * IN_C + n % IN_C, k < k_end && n < DEPTH && y < IN_H && x < IN_W);
}
#ifdef IN_QUADS
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let place = input_place(b_column[i], k + b_k[i]);
    let inside = place != 0xffffffffu;
    return select(vec4<f32>(), inputs_at(select(0u, place / 4u, inside)), inside);
}
#else
fn input_one(n: u32, k: u32) -> f32 {
    let place = input_place(n, k);
    let inside = place != 0xffffffffu;
    return select(0.0f, inputs_at(select(0u, place, inside)), inside);
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let n = b_column[i];
    let at = k + b_k[i];
    return vec4<f32>(input_one(n, at), input_one(n + 1u, at), input_one(n + 2u, at), input_one(n + 3u, at));
}
#endif
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    return quad;
}
fn column_quad(n: u32) -> vec4<f32> {
    return vec4<f32>();
}
#ifdef TAPS_OUTER
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m < OUT_C && n < DEPTH) { part_quads[(slot + m * DEPTH + n) / 4u] = sums; }
}
#else
// Index of dW[m][c][i][j], (i, j, c) being column n.
fn gradient_place(m: u32, n: u32) -> u32 {
    return slot + (m * IN_C + n % IN_C) * (KERNEL * KERNEL) + n / IN_C;
}
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    var start = vec4<f32>();
    if (params.accumulate == 1u && m < OUT_C) {
        for (var e = 0u; e < 4u; e++) {
            if (n + e < DEPTH) { start[e] = gradients[gradient_place(m, n + e)]; }
        }
    }
    return start;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < OUT_C && n + e < DEPTH) { gradients[gradient_place(m, n + e)] = sums[e]; }
    }
}
#endif
