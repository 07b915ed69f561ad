// Gradients of layer norm's scale and bias: sums over a lane's rows of dy * (x - mean) * rstd and of dy, in parts (lib/lanes.wgsl:parts,
// units are rows). A thread owns a column of Values, or shares it with the others of its row team (lib/norms.wgsl:scale_sums).
// Launch: x = columns / TEAM_COLUMNS, z = lanes, or lanes and parts. Traffic: reads x and dy once.
#import lib/norms.wgsl:scale_sums

struct Params {
    cut: Cut,
    dim: u32,
    // Of scale and bias in what is summed into.
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#operand @binding(2) x: Value
#operand @binding(3) dy: Value
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

fn add_row(lane: Lane, index: u32, unit: u32, column: u32, sums: ptr<function, ScaleSums>) {
    let row = lane.row0 + unit;
    let at = row * (params.dim / WIDTH) + column;
    let stat = stats[row];
    let g = dy_at(at);
    (*sums).scale += g * ((x_at(at) - stat.x) * stat.y);
    (*sums).bias += g;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    sum_scale(group, t, params.dim / WIDTH);
}
