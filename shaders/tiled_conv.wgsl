// Y[row][y][x][o] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][y * stride + i - padding][x * stride + j - padding][c]), channels last,
// W and b perturbed, by tiles in workgroup memory (lib/tiled.wgsl:product): rows of a tile are pixels (row, y, x), its columns output
// channels, the sum in the order of lib/tiled_weights.wgsl:slabs.
// Dispatch: x = output-channel tiles, y = pixel tiles of the largest lane, z = lane. Traffic of a tile: DEPTH * (BLOCK_M + BLOCK_N) floats
// in, BLOCK_M * BLOCK_N out.
// IN_QUADS: channels of X are whole quads; QUADS: those of Y. IN_HALVES: X is f16, OUT_HALVES: Y, their channels whole eights.
// MOMENTS: with mean and sum of squared deviations of parts of Y, SEGMENT pixels of a channel (lib/tiled.wgsl:moments): for group norm of a
// sample's (group_norm_moments.wgsl), for batch norm over a lane's rows of a tile's (batch_norm_moments.wgsl), whose last part has what is
// left. Traffic beside the convolution's: two floats a part out; the norm would read all of Y.
#import lib/conv.wgsl:params
#import lib/tiled_weights.wgsl:slabs
#import lib/tiled.wgsl:forward
#import lib/tiled.wgsl:forward_rows
#ifdef IN_HALVES
#import lib/tiled.wgsl:half_inputs
#import lib/tiled.wgsl:input_pieces
#else
#import lib/tiled.wgsl:inputs
#endif
#operand @binding(2) weights: f32
@group(0) @binding(5) var<storage, read> tile_copies: array<Piece>;
@group(0) @binding(6) var<storage, read> tile_bits: array<u32>;

var<private> lane: Lane;
var<private> lane_index: u32;
// Of the thread's pieces: the top left corner of a pixel's window, which may lie outside, and its place in X; their k of a slice.
var<private> a_corner: array<u32, A_QUADS>;
var<private> a_y: array<i32, A_QUADS>;
var<private> a_x: array<i32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;

fn tile_depth() -> u32 { return DEPTH; }
fn tile_columns() -> u32 { return OUT_C; }
fn weight_place(k: u32) -> u32 {
    let term = term_of(k, IN_C, KERNEL * KERNEL);
    return params.weight_offset + term.channel * KERNEL * KERNEL + term.tap;
}
fn one_weight(i: u32) -> f32 { return weights_at(i); }

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
fn input_place(i: u32, k: u32, e: u32) -> u32 {
    let term = term_within(k, a_k[i] + e, IN_C, KERNEL * KERNEL);
    let y = term.tap / KERNEL;
    let x = term.tap % KERNEL;
    let inside = u32(a_y[i] + i32(y)) < IN_H && u32(a_x[i] + i32(x)) < IN_W && k + a_k[i] + e < DEPTH;
    return select(OUTSIDE, a_corner[i] + ((y * IN_W + x) * IN_C + term.channel), inside);
}
fn a_load(i: u32, k: u32) -> Piece {
    return input_piece(i, k);
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows * PIXELS || n >= OUT_C) { return; }
    let at = (lane.row0 * PIXELS + m) * OUT_C + n;
    let y = select(sums, vec4<f32>(rectify(sums.x), rectify(sums.y), rectify(sums.z), rectify(sums.w)), relu());
    store_row(at, n, OUT_C, y);
}

#ifdef MOMENTS
@group(0) @binding(7) var<storage, read_write> moments: array<vec2<f32>>;

// Channels of a group; 0: parts are a batch norm's.
const GROUP_CHANNELS: u32 = 0u;

fn row_counts(m: u32) -> bool {
    return m < lane.rows * PIXELS;
}
// Where the part of channel o that begins at row m lies.
fn part_place(m: u32, o: u32) -> u32 {
    if (GROUP_CHANNELS == 0u) {
        // By (channel, tile), from the lane's first row on. Room for a row's parts of a channel, should the row be a lane of its own.
        let row_parts = (PIXELS + SEGMENT - 1u) / SEGMENT;
        let parts = (lane.rows * PIXELS + SEGMENT - 1u) / SEGMENT;
        return lane.row0 * row_parts * OUT_C + o * parts + m / SEGMENT;
    }
    // By (row, group, part, channel).
    let channels = max(GROUP_CHANNELS, 1u);
    let parts = PIXELS / SEGMENT;
    let group = ((lane.row0 + m / PIXELS) * OUT_C + o / channels * channels) * parts;
    return group + m % PIXELS / SEGMENT * channels + o % channels;
}
fn store_moments(m: u32, n: u32, means: vec4<f32>, squares: vec4<f32>) {
    if (!row_counts(m)) { return; }
    for (var e = 0u; e < 4u; e++) {
        if (n + e < OUT_C) { moments[part_place(m, n + e)] = vec2<f32>(means[e], squares[e]); }
    }
}
#endif
