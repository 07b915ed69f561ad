// Gradients of a norm's scale and bias, down columns of Values that threads own or share with the others of their row team
// (lib/row_teams.wgsl): the sums of both over a lane's parts, from what is there on.
//
// A kernel that imports this has `cut`, `scale_offset`, `bias_offset` and `accumulate` in its Params and the array `gradients`, and
// defines add_row(lane, index, unit, column, sums), which adds unit `unit` of the lane to both.
#import lib/value.wgsl
#import lib/parts.wgsl
#import lib/row_teams.wgsl

alias TeamValue = Value;

struct ScaleSums {
    scale: Value,
    bias: Value,
}

// For a launch whose x goes over TEAM_COLUMNS of `columns` Values, z over lanes or parts.
fn sum_scale(group: vec3<u32>, t: u32, columns: u32) {
    let work = work_of(params.cut, group.z, 2u * columns * WIDTH);
    let lane = lanes[work.lane];
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
        var sums: ScaleSums;
        for (var u = units.x + t / TEAM_COLUMNS; u < units.y; u += ROW_TEAMS) {
            add_row(lane, work.lane, u, column, &sums);
        }
        scale_total += over_teams(t, sums.scale);
        bias_total += over_teams(t, sums.bias);
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
