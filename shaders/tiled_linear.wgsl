// Y[row][o] = act(b[o] + sum_k W[o][k] * X[row][k]) + R[row][o], W and b perturbed (lib/layers.wgsl:linear), by tiles in workgroup memory
// (lib/tiled.wgsl:product): rows of a tile are rows of X, its columns outputs.
// Dispatch: x = output tiles, y = row tiles of the largest lane, z = lane. Traffic of a tile: K * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out.
// QUADS: rows of Y and R are whole quads. IN_HALVES: X is f16, OUT_HALVES: Y, their rows whole eights.
#import lib/layers.wgsl:linear
#import lib/tiled.wgsl:forward
#import lib/values.wgsl:weights
#import lib/tiled.wgsl:forward_rows
#ifdef IN_HALVES
#import lib/tiled.wgsl:half_inputs
#else
#import lib/values.wgsl:inputs
#endif
#operand @binding(5) residual: Value
@group(0) @binding(6) var<storage, read> tile_copies: array<Piece>;
@group(0) @binding(7) var<storage, read> tile_bits: array<u32>;

var<private> lane: Lane;
var<private> lane_index: u32;
// Of the thread's pieces: where their rows begin in X, and their k of a slice.
var<private> a_row: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;

fn tile_depth() -> u32 { return params.inputs; }
fn tile_columns() -> u32 { return params.outputs; }
fn weight_place(k: u32) -> u32 { return params.weight_offset + k; }
fn one_weight(i: u32) -> f32 { return weight_at(i); }
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
fn a_load(i: u32, k: u32) -> Piece {
    let at = k + a_k[i];
    let inside = at < params.inputs;
    let place = a_row[i] + select(0u, at, inside);
#ifdef IN_HALVES
    let piece = inputs_at(place / PIECE);
#else
    let piece = input_four(place, select(1u, params.inputs - at, inside));
#endif
    return select(Piece(), piece, inside);
}
// Beyond the last column nothing.
fn residual_four(at: u32, n: u32) -> vec4<f32> {
    var quad: vec4<f32>;
#ifdef QUADS
    if (RESIDUAL == 1u) { quad = residual_at(at / 4u); }
#else
    for (var e = 0u; e < 4u; e++) {
        if (RESIDUAL == 1u && n + e < params.outputs) { quad[e] = residual_at(at + e); }
    }
#endif
    return quad;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows || n >= params.outputs) { return; }
    let at = (lane.row0 + m) * params.outputs + n;
    let y = vec4<f32>(activated(sums.x), activated(sums.y), activated(sums.z), activated(sums.w));
    store_row(at, n, params.outputs, y + residual_four(at, n));
}
