// dW[o][c][i][j] = sum over rows and output pixels of dy[row][o][y][x] * X[row][c][y * stride + i - padding][x * stride + j - padding], in
// parts (lib/parts.wgsl, units are quads of pixels): an implicit matrix product (lib/tile_step.wgsl) with rows o, columns (c, i, j) and
// depth (row, y, x). A part's sum starts from 0. SPLIT 1: it is the workgroup's; 0: it is added to the total.
// Dispatch: x = tiles of (c, i, j), y = tiles of o, z = lane, or lane and part; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: rows * PIXELS * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out; split, as many out for each part.
#import lib/tile_step.wgsl
#import lib/weight_sum.wgsl
#import lib/geometry.wgsl

struct Params {
    cut: Cut,
    sizes: Sizes,
    sum: WeightSum,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
#operand @binding(3) input: f32

const SPLIT: u32 = 0u;

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
            let at = select(vec4<u32>(), vec4<u32>(x_sample + column[p]) + (vec4<u32>(y * IN_W) + x) * pixel_step(IN_C), inside);
            let loaded = vec4<f32>(input_at(at.x), input_at(at.y), input_at(at.z), input_at(at.w));
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
            let at = select(vec4<u32>(), vec4<u32>(x_sample + column[p]) + (y * IN_W + x) * pixel_step(IN_C), inside);
            let loaded = vec4<f32>(input_at(at.x), input_at(at.y), input_at(at.z), input_at(at.w));
            tile_x[p] = select(vec4<f32>(), loaded, inside);
        }
    }
}
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
    let q0 = group.x * TILE_COLUMNS;
    for (var f = 0u; f < TILE_O; f++) {
        row[f] = min(first + f * SHARE + member % SHARE, OUT_C - 1u) * channel_step(PIXELS);
    }
    for (var p = 0u; p < TILE_Q; p++) {
        let q = min(q0 + p * MEMBERS + member, DEPTH - 1u);
        let tap = q % (KERNEL * KERNEL);
        column[p] = q / (KERNEL * KERNEL) * channel_step(IN_H * IN_W);
        column_y[p] = i32(tap / KERNEL) - i32(PADDING);
        column_x[p] = i32(tap % KERNEL) - i32(PADDING);
    }
    let slot = work.base + params.sum.offset;
    var total: Tile;
    if (SPLIT == 0u && params.sum.accumulate == 1u) {
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                let o = min(first + f * SHARE + j, OUT_C - 1u);
                for (var p = 0u; p < TILE_Q; p++) {
                    total[f][j][p] = gradients[slot + o * DEPTH + min(q0 + p * MEMBERS + member, DEPTH - 1u)];
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
                let q = q0 + p * MEMBERS + member;
                if (o < OUT_C && q < DEPTH) {
                    gradients[slot + o * DEPTH + q] = total[f][j][p];
                }
            }
        }
    }
}
