// dW[o][c][i][j] = sum over rows and output pixels of dy[row][o][y][x] * X[row][c][y * stride + i - padding][x * stride + j - padding], in
// parts (lib/parts.wgsl, units are quads of pixels): an implicit matrix product (lib/tile_step.wgsl) with rows o, columns (c, i, j) and
// depth (row, y, x). A part's sum starts from 0. SPLIT 1: it is the workgroup's; 0: it is added to the total.
//
// A kernel that imports this defines column_of(tile, p, member) -> the column in slot p, which may lie beyond the last one;
// start_columns(tile, member), called once before the sums; and tile_load(k), for pixels k to k + 4 of a sample that starts at x_sample.
// It imports lib/geometry.wgsl or lib/fixed_geometry.wgsl.
//
// Dispatch: x = tiles of (c, i, j), y = tiles of o, z = lane, or lane and part; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: rows * PIXELS * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out; split, as many out for each part.
#import lib/tile_step.wgsl
#import lib/weight_sum.wgsl
#import lib/sizes.wgsl

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
