// dx[row][k] = sum over o, ascending, of dy[row][o] * W[o][k], with the lane's own weights, by tiles in workgroup memory
// (lib/tiled.wgsl:product): rows of a tile are rows of dy, its columns inputs k.
// Dispatch: x = tiles of inputs, y = row tiles of the largest lane, z = lane. Traffic of a tile: outputs * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out.
// QUADS: rows of dx are whole quads.
const A_ALONG_K: u32 = 1u;
const B_ALONG_K: u32 = 0u;
#import lib/lanes.wgsl:lane
#import lib/tiled.wgsl:product
#import lib/tiled.wgsl:rows
#import lib/tiled_weights.wgsl:plain
#import lib/values.wgsl:weights
// The inputs of this product are dy.
#import lib/values.wgsl:inputs

struct Params {
    inputs: u32,
    outputs: u32,
    weight_offset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

var<private> lane: Lane;
// Of the thread's quads: where a row of dy begins, the first of four inputs, and their k of a slice.
var<private> a_row: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

fn begin(group: vec3<u32>) -> Block {
    lane = lanes[group.z];
    let m0 = group.y * BLOCK_M;
    return Block(m0, group.x * BLOCK_N, 0u, params.outputs, m0 < lane.rows);
}
fn a_start(i: u32, m: u32, k: u32) {
    a_row[i] = (lane.row0 + min(m, lane.rows - 1u)) * params.outputs;
    a_k[i] = k;
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + a_k[i];
    let inside = at < params.outputs;
    let quad = input_four(a_row[i] + select(0u, at, inside), select(1u, params.outputs - at, inside));
    return select(vec4<f32>(), quad, inside);
}
fn b_start(i: u32, n: u32, k: u32) {
    b_column[i] = min(n, params.inputs - 1u);
    b_k[i] = k;
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + b_k[i];
    let inside = at < params.outputs;
    let row = lane.weight_base + params.weight_offset + select(0u, at, inside) * params.inputs;
    return select(vec4<f32>(), weight_four(row + b_column[i], params.inputs - b_column[i]), inside);
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows || n >= params.inputs) { return; }
    let at = (lane.row0 + m) * params.inputs + n;
    store_row(at, n, params.inputs, sums);
}
