// dW[o][k] = sum over rows of dy[row][o] * X[row][k], in parts (lib/lanes.wgsl:parts, units are rows), by tiles
// (lib/tiled_weights.wgsl:sum): rows of a tile are outputs o, its columns inputs k.
// Dispatch: x = tiles of k, y = tiles of o, z = lane, or lane and part. Traffic of a tile: units * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out; split, as many out for each part.
const A_ALONG_K: u32 = 0u;
const B_ALONG_K: u32 = 0u;
#import lib/tiled_weights.wgsl:sum
#import lib/values.wgsl:inputs

struct Params {
    cut: Cut,
    sum: WeightSum,
    inputs: u32,
    outputs: u32,
}
@group(0) @binding(0) var<uniform> params: Params;

// Of the thread's quads: the first output and the first input, and their k of a slice.
var<private> a_row: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

fn sum_rows() -> u32 { return params.outputs; }
fn sum_columns() -> u32 { return params.inputs; }
fn begin(group: vec3<u32>) -> Block {
    return begin_sum(group);
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
    let row = (first_input() + select(0u, at, inside)) * params.inputs;
    return select(vec4<f32>(), input_four(row + b_column[i], params.inputs - b_column[i]), inside);
}
fn gradient_place(m: u32, n: u32) -> u32 {
    return m * params.inputs + n;
}
