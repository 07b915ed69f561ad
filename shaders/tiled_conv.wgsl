// Y[row][y][x][o] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][y * stride + i - padding][x * stride + j - padding][c]), channels last,
// W and b perturbed, by tiles in workgroup memory (lib/tiled.wgsl): rows of a tile are pixels (row, y, x), its columns output channels, the
// sum in the order of lib/slabs.wgsl.
// Dispatch: x = output-channel tiles, y = pixel tiles of the largest lane, z = lane. Traffic of a tile: DEPTH * (BLOCK_M + BLOCK_N) floats
// in, BLOCK_M * BLOCK_N out.
// IN_QUADS: channels of X are whole quads; QUADS: those of Y.
const A_ALONG_K: u32 = 1u;
const B_ALONG_K: u32 = 0u;
#import lib/conv_params.wgsl
#import lib/slabs.wgsl
#import lib/tiled.wgsl
#import lib/tiled_weights.wgsl
#import lib/tiled_rows.wgsl
#operand @binding(2) weights: f32
#ifdef IN_QUADS
#operand @binding(3) inputs: vec4<f32>
#else
#operand @binding(3) inputs: f32
#endif
@group(0) @binding(5) var<storage, read> tile_copies: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> tile_bits: array<u32>;

var<private> lane: Lane;
var<private> lane_index: u32;
// Of the thread's quads: the top left corner of a pixel's window, which may lie outside of its sample, and its index in X; the first of four
// output channels; their k of a slice, and signs of the slice that is next.
var<private> a_corner: array<u32, A_QUADS>;
var<private> a_y: array<i32, A_QUADS>;
var<private> a_x: array<i32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;
var<private> b_signs: array<u32, B_QUADS>;

fn tile_depth() -> u32 { return DEPTH; }
fn tile_columns() -> u32 { return OUT_C; }

fn begin(group: vec3<u32>) -> Block {
    load_geometry();
    lane = lanes[group.z];
    lane_index = group.z;
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    let m0 = group.y * BLOCK_M;
    return Block(m0, group.x * BLOCK_N, 0u, DEPTH, m0 < lane.rows * PIXELS);
}
fn a_start(i: u32, m: u32, k: u32) {
    let inside = min(m, lane.rows * PIXELS - 1u);
    let pixel = inside % PIXELS;
    let first = select(lane.row0, lane.x_row, params.from_batch == 1u);
    a_y[i] = i32(pixel / OUT_W * STRIDE) - i32(PADDING);
    a_x[i] = i32(pixel % OUT_W * STRIDE) - i32(PADDING);
    // Corners outside wrap around, and come back with the places inside.
    a_corner[i] = (((first + inside / PIXELS) * IN_H + u32(a_y[i])) * IN_W + u32(a_x[i])) * IN_C;
    a_k[i] = k;
}
// Index in X of a term of quad i's pixel; the largest one where it lies outside.
fn input_place(i: u32, term: Term, within: bool) -> u32 {
    let y = term.tap / KERNEL;
    let x = term.tap % KERNEL;
    let inside = u32(a_y[i] + i32(y)) < IN_H && u32(a_x[i] + i32(x)) < IN_W;
    return select(0xffffffffu, a_corner[i] + ((y * IN_W + x) * IN_C + term.channel), within && inside);
}
#ifdef IN_QUADS
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let place = input_place(i, term_within(k, a_k[i], IN_C, KERNEL * KERNEL), k + a_k[i] < DEPTH);
    let inside = place != 0xffffffffu;
    return select(vec4<f32>(), inputs_at(select(0u, place / 4u, inside)), inside);
}
#else
fn input_one(i: u32, k: u32) -> f32 {
    let place = input_place(i, term_of(k, IN_C, KERNEL * KERNEL), k < DEPTH);
    let inside = place != 0xffffffffu;
    return select(0.0f, inputs_at(select(0u, place, inside)), inside);
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + a_k[i];
    return vec4<f32>(input_one(i, at), input_one(i, at + 1u), input_one(i, at + 2u), input_one(i, at + 3u));
}
#endif
fn b_start(i: u32, n: u32, k: u32) {
    b_column[i] = n;
    b_k[i] = k;
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + b_k[i];
    let row = min(at, DEPTH - 1u);
    if (PERTURB == 1u) { b_signs[i] = tile_signs(lane_index, row, b_column[i]); }
    return select(vec4<f32>(), tile_four(lane_index, row, b_column[i]), at < DEPTH);
}
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    if (PERTURB < 2u) { return perturb_four(quad, 0u, b_signs[i]); }
    // Beyond the last term and channel anything will do.
    let term = term_of(min(k + b_k[i], DEPTH - 1u), IN_C, KERNEL * KERNEL);
    let n = min(vec4<u32>(b_column[i]) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(OUT_C - 1u));
    return perturb_places(quad, vec4<u32>(params.weight_offset + term.channel * KERNEL * KERNEL + term.tap) + n * DEPTH);
}
fn column_quad(n: u32) -> vec4<f32> {
    var bias = vec4<f32>();
    if (params.bias_offset != 0xffffffffu) {
        for (var e = 0u; e < 4u; e++) {
            let i = params.bias_offset + min(n + e, OUT_C - 1u);
            bias[e] = perturb_one(weights_at(lane.weight_base + i), i);
        }
    }
    return bias;
}
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows * PIXELS || n >= OUT_C) { return; }
    let at = (lane.row0 * PIXELS + m) * OUT_C + n;
    let y = select(sums, vec4<f32>(rectify(sums.x), rectify(sums.y), rectify(sums.z), rectify(sums.w)), relu());
#ifdef QUADS
    output[at / 4u] = y;
#else
    for (var e = 0u; e < 4u; e++) {
        if (n + e < OUT_C) { output[at + e] = y[e]; }
    }
#endif
}
