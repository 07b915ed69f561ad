// The same as norm_grad_params.wgsl where channels lie last: gradients of a norm's scale and bias, sums of dy * (x - mean) * rstd and of dy
// over a lane's rows and pixels, in parts (lib/lanes.wgsl:parts, units are pixels). A thread owns a Value of channels, or shares it with
// the others of its row team (lib/norms.wgsl:scale_sums), to which pixels are dealt.
// Launch: x = Values of channels / TEAM_COLUMNS, z = lanes, or lanes and parts. Traffic: reads x and dy once.
#import lib/norms.wgsl:grad_params
#import lib/norms.wgsl:scale_sums
#import lib/images.wgsl:layout

// params.groups as a constant.
#ifdef ANY_SHAPE
var<private> GROUPS: u32;
#else
const GROUPS: u32 = 1u;
#endif

fn add_row(lane: Lane, index: u32, unit: u32, column: u32, sums: ptr<function, ScaleSums>) {
    let channel = column * WIDTH;
    let row = lane.row0 + unit / PIXELS;
    // Of each of the Value's channels, which may be of several groups.
    var mean: vec4<f32>;
    var rstd: vec4<f32>;
    for (var e = 0u; e < WIDTH; e += 1u) {
        let of_lane = index * CHANNELS + channel + e;
        let stat = stats[select(of_lane, row * GROUPS + (channel + e) / (CHANNELS / GROUPS), BY_ROW == 1u)];
        mean[e] = stat.x;
        rstd[e] = stat.y;
    }
    let at = (lane.row0 * PIXELS + unit) * (CHANNELS / WIDTH) + column;
    let g = dy_at(at);
    (*sums).scale += g * ((x_at(at) - of_quad(mean)) * of_quad(rstd));
    (*sums).bias += g;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(1u);
#ifdef ANY_SHAPE
    GROUPS = params.groups;
#endif
    sum_scale(group, t, CHANNELS / WIDTH);
}
