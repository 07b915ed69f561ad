// Y[row][o] = act(b[o] + sum_k W[o][k] * X[row][k]) + R[row][o], W and b perturbed (lib/linear.wgsl), by tiles in workgroup memory
// (lib/tiled.wgsl): rows of a tile are rows of X, its columns outputs.
// Dispatch: x = output tiles, y = row tiles of the largest lane, z = lane. Traffic of a tile: K * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out.
// QUADS: rows of Y and R are whole quads.
const A_ALONG_K: u32 = 1u;
const B_ALONG_K: u32 = 0u;
#import lib/linear.wgsl
#import lib/tiled.wgsl
#import lib/tiled_weights.wgsl
#import lib/inputs.wgsl
#import lib/weights.wgsl
#import lib/tiled_rows.wgsl
#operand @binding(5) residual: Value
@group(0) @binding(6) var<storage, read> tile_copies: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> tile_bits: array<u32>;

var<private> lane: Lane;
var<private> lane_index: u32;
// Of the thread's quads: where their rows begin in X, the first of four outputs, their k of a slice, and signs of the slice that is next.
var<private> a_row: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;
var<private> b_signs: array<u32, B_QUADS>;

fn tile_depth() -> u32 { return params.inputs; }
fn tile_columns() -> u32 { return params.outputs; }
fn begin(group: vec3<u32>) -> Block {
    lane = lanes[group.z];
    lane_index = group.z;
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    let m0 = group.y * BLOCK_M;
    return Block(m0, group.x * BLOCK_N, 0u, params.inputs, m0 < lane.rows);
}
fn a_start(i: u32, m: u32, k: u32) {
    a_row[i] = (select(lane.row0, lane.x_row, params.from_batch == 1u) + min(m, lane.rows - 1u)) * params.inputs;
    a_k[i] = k;
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + a_k[i];
    let inside = at < params.inputs;
    let quad = input_four(a_row[i] + select(0u, at, inside), select(1u, params.inputs - at, inside));
    return select(vec4<f32>(), quad, inside);
}
fn b_start(i: u32, n: u32, k: u32) {
    b_column[i] = n;
    b_k[i] = k;
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + b_k[i];
    let row = min(at, params.inputs - 1u);
    if (PERTURB == 1u) { b_signs[i] = tile_signs(lane_index, row, b_column[i]); }
    return select(vec4<f32>(), tile_four(lane_index, row, b_column[i]), at < params.inputs);
}
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    if (PERTURB < 2u) { return perturb_four(quad, 0u, b_signs[i]); }
    // Beyond the last input and output anything will do.
    let n = min(vec4<u32>(b_column[i]) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.outputs - 1u));
    let place = vec4<u32>(params.weight_offset + min(k + b_k[i], params.inputs - 1u)) + n * params.inputs;
    return perturb_places(quad, place);
}
fn column_quad(n: u32) -> vec4<f32> {
    var bias = vec4<f32>();
    if (params.bias_offset != 0xffffffffu) {
        for (var e = 0u; e < 4u; e++) {
            let i = params.bias_offset + min(n + e, params.outputs - 1u);
            bias[e] = perturb_one(weight_at(lane.weight_base + i), i);
        }
    }
    return bias;
}
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows || n >= params.outputs) { return; }
    let at = (lane.row0 + m) * params.outputs + n;
    let y = vec4<f32>(activated(sums.x), activated(sums.y), activated(sums.z), activated(sums.w));
#ifdef QUADS
    output[at / 4u] = y + select(vec4<f32>(), residual_at(at / 4u), RESIDUAL == 1u);
#else
    for (var e = 0u; e < 4u; e++) {
        if (n + e < params.outputs) { output[at + e] = y[e] + select(0.0f, residual_at(at + e), RESIDUAL == 1u); }
    }
#endif
}
