// dx[row][k] = sum over o, ascending, of dy[row][o] * W[o][k], with the lane's own weights: a matrix product with rows `row`, columns k and
// depth o (lib/shuffle.wgsl:step). A thread's columns are neighbours; it loads quads along k of four rows of W and transposes them.
// Dispatch: x = tiles of inputs, y = row tiles of the largest lane, z = lane; TEAMS * MEMBERS threads a tile. TILE_Q is a multiple of 4.
// Traffic of a tile: outputs * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out.
#import lib/lanes.wgsl:lane
#import lib/shuffle.wgsl:step
#import lib/values.wgsl:weights
// The inputs of this product are dy.
#import lib/values.wgsl:inputs

struct Params {
    inputs: u32,
    outputs: u32,
    weight_offset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

var<private> row: array<u32, TILE_O>;
// Of each four columns the index in W's first row, and how many of them there are.
var<private> column: array<u32, TILE_Q / 4u>;
var<private> columns_left: array<u32, TILE_Q / 4u>;

fn tile_load(o: u32) {
    let last = params.outputs - 1u;
    for (var g = 0u; g < TILE_Q / 4u; g++) {
        // Beyond the last output dy is 0.
        let four = transpose(mat4x4<f32>(
            weight_four(column[g] + o * params.inputs, columns_left[g]),
            weight_four(column[g] + min(o + 1u, last) * params.inputs, columns_left[g]),
            weight_four(column[g] + min(o + 2u, last) * params.inputs, columns_left[g]),
            weight_four(column[g] + min(o + 3u, last) * params.inputs, columns_left[g]),
        ));
        tile_x[4u * g] = four[0];
        tile_x[4u * g + 1u] = four[1];
        tile_x[4u * g + 2u] = four[2];
        tile_x[4u * g + 3u] = four[3];
    }
}
fn tile_row_quad(f: u32, o: u32) -> vec4<f32> {
    return input_four(row[f] + o, params.outputs - o);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = lanes[group.z];
    let r0 = group.y * TILE_ROWS;
    if (r0 >= lane.rows) { return; }
    let member = thread % MEMBERS;
    let first = r0 + thread / MEMBERS * TILE_O * SHARE;
    let k0 = group.x * TILE_COLUMNS + member * TILE_Q;
    for (var f = 0u; f < TILE_O; f++) {
        row[f] = (lane.row0 + min(first + f * SHARE + member % SHARE, lane.rows - 1u)) * params.outputs;
    }
    for (var g = 0u; g < TILE_Q / 4u; g++) {
        let k = k0 + 4u * g;
        // Those beyond the last compute the first ones' sums, which aren't stored.
        let inside = select(0u, k, k < params.inputs);
        column[g] = lane.weight_base + params.weight_offset + inside;
        columns_left[g] = params.inputs - inside;
    }
    var sums: Tile;
    for (var o = 0u; o < params.outputs; o += 4u) { tile_step(&sums, o); }
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let r = first + f * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                if (r < lane.rows && k0 + p < params.inputs) {
                    dx[(lane.row0 + r) * params.inputs + k0 + p] = sums[f][j][p];
                }
            }
        }
    }
}
