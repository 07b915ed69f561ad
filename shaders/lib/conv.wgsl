// What the convolution kernels share: a tile of output channels and columns (row, pixel) as an implicit matrix product
// (lib/tile.wgsl). k = (c, i, j).
#import lib/lane.wgsl
struct Params {
    weight_offset: u32,
    bias_offset: u32,
    from_batch: u32,
    relu: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
// Operand 3 are the inputs.
#import lib/operand3.wgsl
#import lib/tile_store.wgsl
#import lib/geometry.wgsl

// A column's sample, and its window's top left corner (which may lie outside).
var<private> column_sample: array<u32, TILE_Q>;
var<private> column_y: array<i32, TILE_Q>;
var<private> column_x: array<i32, TILE_Q>;
var<private> first_row: u32;
var<private> last_column: u32;
var<private> out_row: u32;

fn weight_row(o: u32) -> u32 {
    return params.weight_offset + min(o, OUT_C - 1u) * DEPTH;
}
fn input_column(p: u32, q: u32) {
    let inside = min(q, last_column);
    let pixel = inside % PIXELS;
    column_sample[p] = (first_row + inside / PIXELS) * (IN_C * IN_H * IN_W);
    column_y[p] = i32(pixel / OUT_W * STRIDE) - i32(PADDING);
    column_x[p] = i32(pixel % OUT_W * STRIDE) - i32(PADDING);
}
fn input_one(p: u32, k: u32) -> f32 {
    let c = k / (KERNEL * KERNEL);
    let t = k % (KERNEL * KERNEL);
    let y = column_y[p] + i32(t / KERNEL);
    let x = column_x[p] + i32(t % KERNEL);
    let inside = k < DEPTH && u32(y) < IN_H && u32(x) < IN_W;
    let i = column_sample[p] + (c * IN_H + u32(y)) * IN_W + u32(x);
    return select(0.0, operand3_at(select(0u, i, inside)), inside);
}
fn input_quad(p: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(input_one(p, k), input_one(p, k + 1u), input_one(p, k + 2u), input_one(p, k + 3u));
}
fn store(o: u32, q: u32, sum: f32) {
    let row = out_row + q / PIXELS;
    output[(row * OUT_C + o) * PIXELS + q % PIXELS] = select(sum, max(sum, 0.0), params.relu == 1u);
}

// The tile of the workgroup, computed and stored. Gives the thread's sums; those beyond the lane's columns mean nothing.
fn conv_tile(lane: Lane, o0: u32, q0: u32, columns: u32, thread: u32) -> Tile {
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    first_row = select(lane.row0, lane.x_row, params.from_batch == 1u);
    last_column = columns - 1u;
    out_row = lane.row0;
    return tile(o0, OUT_C, q0, columns, DEPTH, lane.weight_base, params.bias_offset, thread);
}
