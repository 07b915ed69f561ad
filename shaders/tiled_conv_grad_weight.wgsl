// dW[o][c][i][j] = sum over rows and output pixels of dy[row][y][x][o] * X[row][y * stride + i - padding][x * stride + j - padding][c],
// channels last, in parts (lib/lanes.wgsl:parts, units are pixels), by tiles (lib/tiled_weights.wgsl:sum): rows of a tile are output
// channels, its columns (i, j, c).
// Dispatch: x = tiles of (i, j, c), y = tiles of o, z = lane, or lane and part. Traffic of a tile: units * (BLOCK_M + BLOCK_N) floats in,
// BLOCK_M * BLOCK_N out; split, as many out for each part.
// IN_QUADS: channels of X are whole quads.
const A_ALONG_K: u32 = 0u;
const B_ALONG_K: u32 = 0u;
#import lib/tiled_weights.wgsl:sum
#import lib/images.wgsl:geometry
#import lib/tiled.wgsl:inputs

struct Params {
    cut: Cut,
    sizes: Sizes,
    sum: WeightSum,
}
@group(0) @binding(0) var<uniform> params: Params;

// Of the thread's quads: the first output channel and the first column, and their k of a slice.
var<private> a_channel: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

fn sum_rows() -> u32 { return OUT_C; }
fn sum_columns() -> u32 { return DEPTH; }
fn begin(group: vec3<u32>) -> Block {
    load_geometry();
    return begin_sum(group);
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
// What column n, that is (i, j, c), meets at pixel k of the lane.
fn input_place(i: u32, k: u32, e: u32) -> u32 {
    let n = b_column[i] + e;
    let at = k + b_k[i];
    let tap = n / IN_C;
    let pixel = at % PIXELS;
    let y = pixel / OUT_W * STRIDE + tap / KERNEL - PADDING;
    let x = pixel % OUT_W * STRIDE + tap % KERNEL - PADDING;
    let place = ((first_input() + at / PIXELS) * IN_H + y) * IN_W + x;
    return select(OUTSIDE, place * IN_C + n % IN_C, at < k_end && n < DEPTH && y < IN_H && x < IN_W);
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    return input_piece(i, k);
}
fn gradient_place(m: u32, n: u32) -> u32 {
    return (m * IN_C + n % IN_C) * (KERNEL * KERNEL) + n / IN_C;
}
