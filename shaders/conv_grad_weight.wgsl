// dW[o][c][i][j] = sum over rows and output pixels of dy[row][o][y][x] * X[row][c][y * stride + i - padding][x * stride + j - padding], by
// blocks of SAMPLE_BLOCK rows: an implicit matrix product (lib/tile_step.wgsl) with rows o, columns (c, i, j) and depth (row, y, x), pixels
// four at a time. A block's sum starts from 0 and is then added to the total.
// Dispatch: x = tiles of (c, i, j), y = tiles of o, z = lane; TEAMS * LANES threads a tile.
// Traffic of a tile: rows * PIXELS * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out. Small layers of large images
// make few tiles (64 to 64 channels: 36 of 32 x 32 a lane); many lanes fill a GPU, a single one doesn't.
#import lib/lane.wgsl
#import lib/block.wgsl
#import lib/tile_step.wgsl
#import lib/gradient.wgsl
// Operand 3 are the inputs.
#import lib/operand3.wgsl
#import lib/geometry.wgsl

struct Params {
    weight_offset: u32,
    // 1: X is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    accumulate: u32,
    in_c: u32,
    in_h: u32,
    in_w: u32,
    out_c: u32,
    out_h: u32,
    out_w: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;

// Where row o of slot f and the channel of column p start in a sample, and the column's tap, which may lead outside.
var<private> row: array<u32, TILE_O>;
var<private> column: array<u32, TILE_Q>;
var<private> column_y: array<i32, TILE_Q>;
var<private> column_x: array<i32, TILE_Q>;
// Where the current sample starts in dy and X.
var<private> dy_sample: u32;
var<private> x_sample: u32;

fn tile_load(k: u32) {
    if (OUT_W % 4u == 0u) {
        // Four pixels of a row of the image.
        let top = i32(k / OUT_W * STRIDE);
        let side = vec4<i32>(i32(k % OUT_W * STRIDE)) + vec4<i32>(0, 1, 2, 3) * i32(STRIDE);
        for (var p = 0u; p < TILE_Q; p++) {
            let y = u32(top + column_y[p]);
            let x = bitcast<vec4<u32>>(side + vec4<i32>(column_x[p]));
            let inside = (x < vec4<u32>(IN_W)) & vec4<bool>(y < IN_H);
            let at = select(vec4<u32>(), vec4<u32>(x_sample + column[p] + y * IN_W) + x, inside);
            let loaded = vec4<f32>(operand3_at(at.x), operand3_at(at.y), operand3_at(at.z), operand3_at(at.w));
            tile_x[p] = select(vec4<f32>(), loaded, inside);
        }
    } else {
        // Beyond the last pixel dy is 0.
        let pixel = min(vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(PIXELS - 1u));
        let top = bitcast<vec4<i32>>(pixel / OUT_W * STRIDE);
        let side = bitcast<vec4<i32>>(pixel % OUT_W * STRIDE);
        for (var p = 0u; p < TILE_Q; p++) {
            let y = bitcast<vec4<u32>>(top + vec4<i32>(column_y[p]));
            let x = bitcast<vec4<u32>>(side + vec4<i32>(column_x[p]));
            let inside = (x < vec4<u32>(IN_W)) & (y < vec4<u32>(IN_H));
            let at = select(vec4<u32>(), vec4<u32>(x_sample + column[p]) + y * IN_W + x, inside);
            let loaded = vec4<f32>(operand3_at(at.x), operand3_at(at.y), operand3_at(at.z), operand3_at(at.w));
            tile_x[p] = select(vec4<f32>(), loaded, inside);
        }
    }
}
fn tile_row_quad(f: u32, k: u32) -> vec4<f32> {
    return dy_four(dy_sample + row[f] + k, PIXELS - k);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    load_geometry();
    let lane = lanes[group.z];
    let member = thread % LANES;
    let first = group.y * TILE_ROWS + thread / LANES * TILE_O * SHARE;
    let q0 = group.x * TILE_COLUMNS;
    for (var f = 0u; f < TILE_O; f++) {
        row[f] = min(first + f * SHARE + member % SHARE, OUT_C - 1u) * PIXELS;
    }
    for (var p = 0u; p < TILE_Q; p++) {
        let q = min(q0 + p * LANES + member, DEPTH - 1u);
        let tap = q % (KERNEL * KERNEL);
        column[p] = q / (KERNEL * KERNEL) * (IN_H * IN_W);
        column_y[p] = i32(tap / KERNEL) - i32(PADDING);
        column_x[p] = i32(tap % KERNEL) - i32(PADDING);
    }
    let slot = lane.weight_base + params.weight_offset;
    var total: Tile;
    if (params.accumulate == 1u) {
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                let o = min(first + f * SHARE + j, OUT_C - 1u);
                for (var p = 0u; p < TILE_Q; p++) {
                    total[f][j][p] = gradients[slot + o * DEPTH + min(q0 + p * LANES + member, DEPTH - 1u)];
                }
            }
        }
    }
    let x_row = select(lane.row0, lane.x_row, params.from_batch == 1u);
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        var sums: Tile;
        for (var sample = block; sample < min(block + SAMPLE_BLOCK, lane.rows); sample++) {
            dy_sample = (lane.row0 + sample) * OUT_C * PIXELS;
            x_sample = (x_row + sample) * IN_C * IN_H * IN_W;
            for (var k = 0u; k < PIXELS; k += 4u) { tile_step(&sums, k); }
        }
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                for (var p = 0u; p < TILE_Q; p++) { total[f][j][p] += sums[f][j][p]; }
            }
        }
    }
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                let q = q0 + p * LANES + member;
                if (o < OUT_C && q < DEPTH) {
                    gradients[slot + o * DEPTH + q] = total[f][j][p];
                }
            }
        }
    }
}
