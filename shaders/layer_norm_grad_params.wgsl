// Gradients of layer norm's scale and bias: sums over a lane's rows of dy * (x - mean) * rstd and of dy, in parts (lib/parts.wgsl, units
// are rows). A thread owns a column of Values, or shares it with the others of its row team (lib/row_teams.wgsl).
// Launch: x = columns / TEAM_COLUMNS, z = lanes, or lanes and parts. Traffic: reads x and dy once.
#import lib/value.wgsl
#import lib/parts.wgsl
#import lib/row_teams.wgsl

struct Params {
    cut: Cut,
    dim: u32,
    // Of scale and bias in what is summed into.
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

alias TeamValue = Value;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#operand @binding(2) x: Value
#operand @binding(3) dy: Value
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let work = work_of(params.cut, group.z, 2u * params.dim);
    let lane = lanes[work.lane];
    let columns = params.dim / WIDTH;
    let own = group.x * TEAM_COLUMNS + t % TEAM_COLUMNS;
    let column = min(own, columns - 1u);
    let scale_at = work.base + params.scale_offset + column * WIDTH;
    let bias_at = work.base + params.bias_offset + column * WIDTH;
    var scale_four: vec4<f32>;
    var bias_four: vec4<f32>;
    if params.accumulate != 0u {
        for (var e = 0u; e < WIDTH; e += 1u) {
            scale_four[e] = gradients[scale_at + e];
            bias_four[e] = gradients[bias_at + e];
        }
    }
    var scale_total = of_quad(scale_four);
    var bias_total = of_quad(bias_four);
    for (var part = work.first; part < work.end; part += 1u) {
        let units = part_units(params.cut, lane.rows, part);
        var scale_sum = Value();
        var bias_sum = Value();
        for (var r = units.x + t / TEAM_COLUMNS; r < units.y; r += ROW_TEAMS) {
            let row = lane.row0 + r;
            let stat = stats[row];
            let g = dy_at(row * columns + column);
            scale_sum += g * ((x_at(row * columns + column) - stat.x) * stat.y);
            bias_sum += g;
        }
        scale_total += over_teams(t, scale_sum);
        bias_total += over_teams(t, bias_sum);
    }
    if own < columns && t < TEAM_COLUMNS {
        scale_four = to_quad(scale_total);
        bias_four = to_quad(bias_total);
        for (var e = 0u; e < WIDTH; e += 1u) {
            gradients[scale_at + e] = scale_four[e];
            gradients[bias_at + e] = bias_four[e];
        }
    }
}
