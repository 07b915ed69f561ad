// The same as norm_grad_params.wgsl where channels lie last: gradients of a norm's scale and bias, sums of dy * (x - mean) * rstd and of dy
// over a lane's rows and pixels, in parts (lib/parts.wgsl, units are pixels). A thread owns a Value of channels, or shares it with the
// others of its row team (lib/row_teams.wgsl), to which pixels are dealt.
// Launch: x = Values of channels / TEAM_COLUMNS, z = lanes, or lanes and parts. Traffic: reads x and dy once.
#import lib/norm_grad_params.wgsl
#import lib/row_teams.wgsl
#import lib/layout.wgsl

// params.groups as a constant.
#ifdef ANY_SHAPE
var<private> GROUPS: u32;
#else
const GROUPS: u32 = 1u;
#endif

alias TeamValue = Value;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(1u);
#ifdef ANY_SHAPE
    GROUPS = params.groups;
#endif
    let work = work_of(params.cut, group.z, 2u * CHANNELS);
    let lane = lanes[work.lane];
    let columns = CHANNELS / WIDTH;
    let own = group.x * TEAM_COLUMNS + t % TEAM_COLUMNS;
    let column = min(own, columns - 1u);
    let channel = column * WIDTH;
    let scale_at = work.base + params.scale_offset + channel;
    let bias_at = work.base + params.bias_offset + channel;
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
    let per_group = CHANNELS / GROUPS;
    for (var part = work.first; part < work.end; part += 1u) {
        let units = part_units(params.cut, lane.rows, part);
        var scale_sum = Value();
        var bias_sum = Value();
        for (var u = units.x + t / TEAM_COLUMNS; u < units.y; u += ROW_TEAMS) {
            // Of each of the Value's channels, which may be of several groups.
            var mean: vec4<f32>;
            var rstd: vec4<f32>;
            let row = lane.row0 + u / PIXELS;
            for (var e = 0u; e < WIDTH; e += 1u) {
                let of_lane = work.lane * CHANNELS + channel + e;
                let stat = stats[select(of_lane, row * GROUPS + (channel + e) / per_group, BY_ROW == 1u)];
                mean[e] = stat.x;
                rstd[e] = stat.y;
            }
            let at = (lane.row0 * PIXELS + u) * columns + column;
            let g = dy_at(at);
            scale_sum += g * ((x_at(at) - of_quad(mean)) * of_quad(rstd));
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
