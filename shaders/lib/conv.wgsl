// Convolutions: what the ways of computing them share, and the products whose rows are shared by shuffles (lib/shuffle.wgsl). By strips:
// lib/strips.wgsl; by tiles in workgroup memory: lib/tiled.wgsl.

#section uniforms
// What is bound to every convolution beside its operands.
#import lib/lanes.wgsl:lane
#import lib/images.wgsl:sizes
struct Params {
    sizes: Sizes,
    weight_offset: u32,
    bias_offset: u32,
    from_batch: u32,
    relu: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

#section params
// What the ways of computing a convolution as a matrix product share: its sizes, and what follows the product.
#import lib/math.wgsl:rectify
#import lib/images.wgsl:geometry
#import lib/conv.wgsl:uniforms

// params.relu as a constant: some drivers load a uniform anew for each value stored.
const RELU: u32 = 0u;

fn relu() -> bool {
#ifdef ANY_SHAPE
    return params.relu == 1u;
#else
    return RELU == 1u;
#endif
}

#section forward
// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]), as an
// implicit matrix product: column q = (row, y, x), k = (c, i, j); W and b perturbed while they are loaded (lib/shuffle.wgsl:tile).
// Dispatch: x = output-channel tiles, y = tiles of (row, pixel) of the largest lane, z = lane; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: K * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out.
//
// A kernel that imports this defines after_tile(lane, first, q0, columns, thread, sums), called by all threads of a workgroup once their
// tile is stored: `first` is the team's first channel (it may lie beyond OUT_C), q0 the tile's first column of the lane's `columns`, sums
// those of the thread, of which those beyond the columns mean nothing.
#import lib/conv.wgsl:params
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
#operand @binding(3) inputs: f32
#import lib/shuffle.wgsl:store

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

#section grad_weight
// dW[o][c][i][j] = sum over rows and output pixels of dy[row][o][y][x] * X[row][c][y * stride + i - padding][x * stride + j - padding], in
// parts (lib/lanes.wgsl:parts, units are quads of pixels): an implicit matrix product (lib/shuffle.wgsl:step) with rows o, columns
// (c, i, j) and depth (row, y, x). A part's sum starts from 0. SPLIT 1: it is the workgroup's; 0: it is added to the total.
//
// A kernel that imports this defines column_of(tile, p, member) -> the column in slot p, which may lie beyond the last one;
// start_columns(tile, member), called once before the sums; and tile_load(k), for pixels k to k + 4 of a sample that starts at x_sample.
// It imports lib/images.wgsl:geometry or lib/images.wgsl:fixed_geometry.
//
// Dispatch: x = tiles of (c, i, j), y = tiles of o, z = lane, or lane and part; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: rows * PIXELS * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out; split, as many out for each part.
#import lib/shuffle.wgsl:step
#import lib/lanes.wgsl:weight_sum
#import lib/images.wgsl:sizes

struct Params {
    cut: Cut,
    sizes: Sizes,
    sum: WeightSum,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;

const SPLIT: u32 = 0u;

// Where row o of slot f starts in a sample.
var<private> row: array<u32, TILE_O>;
// Where the current sample starts in dy and X.
var<private> dy_sample: u32;
var<private> x_sample: u32;

fn tile_row_quad(f: u32, k: u32) -> vec4<f32> {
    if (CHANNELS_LAST == 1u) {
        let pixel = min(vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(PIXELS - 1u));
        let at = vec4<u32>(dy_sample + row[f]) + pixel * OUT_C;
        return masked(vec4<f32>(dy_at(at.x), dy_at(at.y), dy_at(at.z), dy_at(at.w)), PIXELS - k);
    }
    return dy_four(dy_sample + row[f] + k, PIXELS - k);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    load_geometry();
    // Of a sample's pixels.
    let quads = (PIXELS + 3u) / 4u;
    let work = work_of(params.cut, group.z, OUT_C * DEPTH);
    if (SPLIT == 1u && work.first >= work.end) { return; }
    let lane = lanes[work.lane];
    let member = thread % MEMBERS;
    let first = group.y * TILE_ROWS + thread / MEMBERS * TILE_O * SHARE;
    for (var f = 0u; f < TILE_O; f++) {
        row[f] = min(first + f * SHARE + member % SHARE, OUT_C - 1u) * channel_step(PIXELS);
    }
    start_columns(group.x, member);
    let slot = work.base + params.sum.offset;
    var total: Tile;
    if (SPLIT == 0u && params.sum.accumulate == 1u) {
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                let o = min(first + f * SHARE + j, OUT_C - 1u);
                for (var p = 0u; p < TILE_Q; p++) {
                    total[f][j][p] = gradients[slot + o * DEPTH + min(column_of(group.x, p, member), DEPTH - 1u)];
                }
            }
        }
    }
    let x_row = select(lane.row0, lane.x_row, params.sum.from_batch == 1u);
    for (var part = work.first; part < work.end; part++) {
        let units = part_units(params.cut, lane.rows, part);
        var sums: Tile;
        for (var sample = units.x / quads; sample * quads < units.y; sample++) {
            dy_sample = (lane.row0 + sample) * OUT_C * PIXELS;
            x_sample = (x_row + sample) * IN_C * IN_H * IN_W;
            let begun = sample * quads;
            let end = min(units.y - begun, quads) * 4u;
            for (var k = (max(units.x, begun) - begun) * 4u; k < end; k += 4u) { tile_step(&sums, k); }
        }
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                for (var p = 0u; p < TILE_Q; p++) {
                    if (SPLIT == 1u) { total[f][j][p] = sums[f][j][p]; } else { total[f][j][p] += sums[f][j][p]; }
                }
            }
        }
    }
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                let q = column_of(group.x, p, member);
                if (o < OUT_C && q < DEPTH) {
                    gradients[slot + o * DEPTH + q] = total[f][j][p];
                }
            }
        }
    }
}
