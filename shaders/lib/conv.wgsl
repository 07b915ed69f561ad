// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]), as an
// implicit matrix product: column q = (row, y, x), k = (c, i, j); W and b perturbed while they are loaded (lib/tile.wgsl).
// Dispatch: x = output-channel tiles, y = tiles of (row, pixel) of the largest lane, z = lane; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: K * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out.
//
// A kernel that imports this defines after_tile(lane, first, q0, columns, thread, sums), called by all threads of a workgroup once their
// tile is stored: `first` is the team's first channel (it may lie beyond OUT_C), q0 the tile's first column of the lane's `columns`, sums
// those of the thread, of which those beyond the columns mean nothing.
#import lib/conv_params.wgsl
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
#operand @binding(3) inputs: f32
#import lib/tile_store.wgsl

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
    let i = column_sample[p] + c * channel_step(IN_H * IN_W) + (u32(y) * IN_W + u32(x)) * pixel_step(IN_C);
    return select(0.0, inputs_at(select(0u, i, inside)), inside);
}
fn input_quad(p: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(input_one(p, k), input_one(p, k + 1u), input_one(p, k + 2u), input_one(p, k + 3u));
}
fn store(o: u32, q: u32, sum: f32) {
    let row = out_row + q / PIXELS;
    let at = row * OUT_C * PIXELS + o * channel_step(PIXELS) + q % PIXELS * pixel_step(OUT_C);
    output[at] = select(sum, rectify(sum), relu());
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    load_geometry();
    let lane = lanes[group.z];
    let q0 = group.y * TILE_COLUMNS;
    let columns = lane.rows * PIXELS;
    if (q0 >= columns) { return; }
    let o0 = group.x * TILE_ROWS;
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    first_row = select(lane.row0, lane.x_row, params.from_batch == 1u);
    last_column = columns - 1u;
    out_row = lane.row0;
    var sums = tile(o0, OUT_C, q0, columns, DEPTH, lane.weight_base, params.bias_offset, thread);
    after_tile(lane, o0 + thread / MEMBERS * TEAM_ROWS, q0, columns, thread, &sums);
}
