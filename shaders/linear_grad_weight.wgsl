// dW[o][k] = sum over the lane's rows of dy[row][o] * x[row][k], in parts (lib/lanes.wgsl:parts, units are rows) or whole, by blocks of
// SAMPLE_BLOCK rows: a matrix product with rows o, columns k and depth `row`, blocked as in lib/shuffle.wgsl:step. Both matrices are stored
// along their own index: a thread's rows are neighbours as are its columns, loaded in quads along them, transposed. A block is one step,
// its sum never leaves a register.
// Dispatch: x = tiles of inputs, y = tiles of outputs, z = lane, or lane and part; TEAMS * MEMBERS threads a tile, TILE_Q a multiple of 4.
// Traffic of a tile: rows * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out; split, as many out for each part.
#import lib/lanes.wgsl:sample_block
#import lib/shuffle.wgsl:slots
#import lib/lanes.wgsl:weight_sum
#import lib/values.wgsl:inputs

struct Params {
    cut: Cut,
    sum: WeightSum,
    inputs: u32,
    outputs: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;

// Quads of rows in a block.
const QUADS: u32 = SAMPLE_BLOCK / 4u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let work = work_of(params.cut, group.z, params.inputs * params.outputs);
    let lane = lanes[work.lane];
    var range = vec2<u32>(0u, lane.rows);
    if (params.cut.parts > 0u) {
        if (work.first >= work.end) { return; }
        range = part_units(params.cut, lane.rows, work.first);
    }
    let member = thread % MEMBERS;
    // The team's first row, this thread's first loaded row and first column.
    let first = group.y * TILE_ROWS + thread / MEMBERS * TILE_O * SHARE;
    let own_o = first + member % SHARE * TILE_O;
    let k0 = group.x * TILE_COLUMNS + member * TILE_Q;
    let slot = work.base + params.sum.offset;
    var total: Tile;
    if (params.sum.accumulate == 1u) {
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                let o = min(first + j * TILE_O + f, params.outputs - 1u);
                for (var p = 0u; p < TILE_Q; p++) {
                    total[f][j][p] = gradients[slot + o * params.inputs + min(k0 + p, params.inputs - 1u)];
                }
            }
        }
    }
    let x_row = select(lane.row0, lane.x_row, params.sum.from_batch == 1u);
    for (var block = range.x; block < range.y; block += SAMPLE_BLOCK) {
        var x: array<array<vec4<f32>, TILE_Q>, QUADS>;
        var g: array<array<vec4<f32>, TILE_O>, QUADS>;
        for (var quad = 0u; quad < QUADS; quad++) {
            let sample = vec4<u32>(block + 4u * quad) + vec4<u32>(0u, 1u, 2u, 3u);
            let present = sample < vec4<u32>(range.y);
            let at = min(sample, vec4<u32>(range.y - 1u));
            let x_at = (at + x_row) * params.inputs;
            let dy_row_at = (at + lane.row0) * params.outputs;
            for (var n = 0u; n < TILE_Q; n += 4u) {
                let k = select(0u, k0 + n, k0 + n < params.inputs);
                let four = transpose(mat4x4<f32>(
                    input_four(x_at.x + k, params.inputs - k),
                    input_four(x_at.y + k, params.inputs - k),
                    input_four(x_at.z + k, params.inputs - k),
                    input_four(x_at.w + k, params.inputs - k),
                ));
                x[quad][n] = four[0];
                x[quad][n + 1u] = four[1];
                x[quad][n + 2u] = four[2];
                x[quad][n + 3u] = four[3];
            }
            if (TILE_O % 4u == 0u) {
                for (var n = 0u; n < TILE_O; n += 4u) {
                    let o = select(0u, own_o + n, own_o + n < params.outputs);
                    let four = transpose(mat4x4<f32>(
                        dy_four(dy_row_at.x + o, params.outputs - o),
                        dy_four(dy_row_at.y + o, params.outputs - o),
                        dy_four(dy_row_at.z + o, params.outputs - o),
                        dy_four(dy_row_at.w + o, params.outputs - o),
                    ));
                    g[quad][n] = select(vec4<f32>(), four[0], present);
                    g[quad][n + 1u] = select(vec4<f32>(), four[1], present);
                    g[quad][n + 2u] = select(vec4<f32>(), four[2], present);
                    g[quad][n + 3u] = select(vec4<f32>(), four[3], present);
                }
            } else {
                for (var n = 0u; n < TILE_O; n++) {
                    let i = dy_row_at + min(own_o + n, params.outputs - 1u);
                    let four = vec4<f32>(dy_at(i.x), dy_at(i.y), dy_at(i.z), dy_at(i.w));
                    g[quad][n] = select(vec4<f32>(), four, present);
                }
            }
        }
        for (var f = 0u; f < TILE_O; f++) {
            for (var j = 0u; j < SHARE; j++) {
                var w: array<vec4<f32>, QUADS>;
                for (var quad = 0u; quad < QUADS; quad++) { w[quad] = shared_from(g[quad][f], j); }
                for (var p = 0u; p < TILE_Q; p++) {
                    var sum = 0.0;
                    for (var quad = 0u; quad < QUADS; quad++) {
                        let v = x[quad][p];
                        sum = sum + v.x * w[quad].x + v.y * w[quad].y + v.z * w[quad].z + v.w * w[quad].w;
                    }
                    total[f][j][p] += sum;
                }
            }
        }
    }
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + j * TILE_O + f;
            for (var p = 0u; p < TILE_Q; p++) {
                if (o < params.outputs && k0 + p < params.inputs) {
                    gradients[slot + o * params.inputs + k0 + p] = total[f][j][p];
                }
            }
        }
    }
}
