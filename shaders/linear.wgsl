// Y[row][o] = act(b[o] + sum_k W[o][k] * X[row][k]) + R[row][o], W and b perturbed while they are loaded (lib/shuffle.wgsl:tile).
// ACTIVATION and RESIDUAL: lib/layers.wgsl:linear.
// Dispatch: x = output tiles, y = row tiles of the largest lane, z = lane; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: K * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out.
#import lib/layers.wgsl:linear
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
#import lib/values.wgsl:inputs
#import lib/shuffle.wgsl:store
#operand @binding(5) residual: f32

var<private> column: array<u32, TILE_Q>;
var<private> first_row: u32;
var<private> last_row: u32;
var<private> out_row: u32;

fn weight_row(o: u32) -> u32 {
    return params.weight_offset + min(o, params.outputs - 1u) * params.inputs;
}
fn input_column(p: u32, q: u32) {
    column[p] = (first_row + min(q, last_row)) * params.inputs;
}
fn input_quad(p: u32, k: u32) -> vec4<f32> {
    return input_four(column[p] + k, params.inputs - k);
}
fn store(o: u32, q: u32, sum: f32) {
    let i = (out_row + q) * params.outputs + o;
    var y = activated(sum);
    if (RESIDUAL == 1u) { y += residual_at(i); }
    output[i] = y;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = lanes[group.z];
    let q0 = group.y * TILE_COLUMNS;
    if (q0 >= lane.rows) { return; }
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    first_row = select(lane.row0, lane.x_row, params.from_batch == 1u);
    last_row = lane.rows - 1u;
    out_row = lane.row0;
    tile(group.x * TILE_ROWS, params.outputs, q0, lane.rows, params.inputs, lane.weight_base, params.bias_offset, thread);
}
