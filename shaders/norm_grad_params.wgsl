// Gradients of a norm's scale and bias: sums of dy * (x - mean) * rstd and of dy over a lane's rows and pixels, with (mean, rstd) of
// the (row, group) (BY_ROW 1) or the (lane, channel) (BY_ROW 0), in parts (lib/lanes.wgsl:parts, units are Values). A workgroup takes a
// channel: thread t sums a part's Values t, t + 64, ... (sample by sample, pixel by pixel), then a tree.
// Launch: x = channels, z = lanes, or lanes and parts. Traffic: reads x and dy once.
#import lib/norms.wgsl:grad_params
#import lib/lanes.wgsl:tree

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(WIDTH);
    let work = work_of(params.cut, group.z, 2u * CHANNELS);
    let lane = lanes[work.lane];
    let channel = group.x;
    let norm_group = channel / (CHANNELS / params.groups);
    let scale_at = work.base + params.scale_offset + channel;
    let bias_at = work.base + params.bias_offset + channel;
    var whole = vec2<f32>();
    if params.accumulate != 0u {
        whole = vec2<f32>(gradients[scale_at], gradients[bias_at]);
    }
    for (var part = work.first; part < work.end; part += 1u) {
        let units = part_units(params.cut, lane.rows, part);
        var scale_sum = Value();
        var bias_sum = Value();
        var u = units.x + t;
        while u < units.y {
            // What a row has in common is read once.
            let row = u / PIXELS;
            let of_row = (lane.row0 + row) * params.groups + norm_group;
            let stat = stats[select(work.lane * CHANNELS + channel, of_row, BY_ROW == 1u)];
            let first = ((lane.row0 + row) * CHANNELS + channel) * PIXELS - row * PIXELS;
            for (; u < min((row + 1u) * PIXELS, units.y); u += 64u) {
                let g = dy_at(first + u);
                scale_sum += g * ((x_at(first + u) - stat.x) * stat.y);
                bias_sum += g;
            }
        }
        whole += tree_sum(t, vec2<f32>(total(scale_sum), total(bias_sum)));
    }
    if t == 0u {
        gradients[scale_at] = whole.x;
        gradients[bias_at] = whole.y;
    }
}
