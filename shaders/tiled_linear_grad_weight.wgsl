// dW[o][k] = sum over rows of dy[row][o] * X[row][k], in parts (lib/parts.wgsl, units are rows), by tiles in workgroup memory
// (lib/tiled.wgsl): rows of a tile are outputs o, its columns inputs k. Not split, a workgroup sums all of a lane's parts one after
// another, and goes on from what is there.
// Dispatch: x = tiles of k, y = tiles of o, z = lane, or lane and part. Traffic of a tile: units * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out; split, as many out for each part.
const A_ALONG_K: u32 = 0u;
const B_ALONG_K: u32 = 0u;
#import lib/parts.wgsl
#import lib/gradient.wgsl
#import lib/inputs.wgsl
#import lib/tiled.wgsl

struct Params {
    cut: Cut,
    inputs: u32,
    outputs: u32,
    // Of the weight in what is summed into.
    weight_offset: u32,
    // 1: X is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    accumulate: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;

var<private> lane: Lane;
var<private> slot: u32;
var<private> k_end: u32;
// Of the thread's quads: the first output and the first input, and their k of a slice.
var<private> a_row: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

fn begin(group: vec3<u32>) -> Block {
    let work = work_of(params.cut, group.z, params.outputs * params.inputs);
    lane = lanes[work.lane];
    slot = work.base + params.weight_offset;
    let any = work.first < work.end;
    let first = part_units(params.cut, lane.rows, work.first).x;
    k_end = select(first, part_units(params.cut, lane.rows, max(work.end, 1u) - 1u).y, any);
    // A part that isn't there has nothing to leave; a whole sum of nothing is 0.
    return Block(group.y * BLOCK_M, group.x * BLOCK_N, first, k_end, any || params.cut.parts == 0u);
}
fn a_start(i: u32, m: u32, k: u32) {
    a_row[i] = min(m, params.outputs - 1u);
    a_k[i] = k;
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + a_k[i];
    let inside = at < k_end;
    let row = (lane.row0 + select(0u, at, inside)) * params.outputs;
    return select(vec4<f32>(), dy_four(row + a_row[i], params.outputs - a_row[i]), inside);
}
fn b_start(i: u32, n: u32, k: u32) {
    b_column[i] = min(n, params.inputs - 1u);
    b_k[i] = k;
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + b_k[i];
    let inside = at < k_end;
    let row = (select(lane.row0, lane.x_row, params.from_batch == 1u) + select(0u, at, inside)) * params.inputs;
    return select(vec4<f32>(), input_four(row + b_column[i], params.inputs - b_column[i]), inside);
}
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    return quad;
}
fn column_quad(n: u32) -> vec4<f32> {
    return vec4<f32>();
}
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    var start = vec4<f32>();
    if (params.accumulate == 1u && m < params.outputs) {
        for (var e = 0u; e < 4u; e++) {
            if (n + e < params.inputs) { start[e] = gradients[slot + m * params.inputs + n + e]; }
        }
    }
    return start;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < params.outputs && n + e < params.inputs) { gradients[slot + m * params.inputs + n + e] = sums[e]; }
    }
}
