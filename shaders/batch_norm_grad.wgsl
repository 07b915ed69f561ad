// dx of batch norm over the n values of each (lane, channel). Statistics of the batch (RUNNING 0), with the sums dscale and dbias
// from the lane's gradients: dx = rstd * scale * (dy - dbias / n - h * dscale / n), h = (x - mean) * rstd. Running statistics
// (RUNNING 1): dx = dy * rstd * scale. A thread makes PER_THREAD Values (lib/images.wgsl:per_thread).
// Launch: x = items of the largest lane / 64 (at most 65,535, then strided), z = lanes. Traffic: reads x and dy, writes dx, once each.
#import lib/values.wgsl:value
#import lib/norms.wgsl:params
#import lib/images.wgsl:per_thread

override RUNNING: u32 = 0u;

@group(0) @binding(2) var<storage, read> weights: array<f32>;
#operand @binding(3) x: Value
#operand @binding(4) dy: Value
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> gradients: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<Value>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    load_shape(WIDTH);
    let lane = lanes[group.z];
    let items = items_of(lane.rows);
    let values = f32(lane.rows * params.spatial);
    for (var i = group.x * 64u + t; i < items; i += groups.x * 64u) {
        let item = item_of(lane.row0, i);
        let stat_at = group.z * CHANNELS + item.channel;
        let stat = stats[stat_at];
        let scale_at = lane.weight_base + params.scale_offset + item.channel;
        let bias_at = lane.weight_base + params.bias_offset + item.channel;
        var mean = Value(stat.x);
        var rstd = Value(stat.y);
        var a = Value(stat.y * weights[scale_at]);
        var slope = Value();
        var shift = Value();
        if RUNNING == 0u {
            slope = Value(gradients[scale_at] / values);
            shift = Value(gradients[bias_at] / values);
        }
#ifdef QUADS
        if CHANNELS_LAST == 1u {
            let others = array(stats[stat_at + 1u], stats[stat_at + 2u], stats[stat_at + 3u]);
            mean = of_channels(stat.x, others[0].x, others[1].x, others[2].x);
            rstd = of_channels(stat.y, others[0].y, others[1].y, others[2].y);
            a = rstd * of_channels(weights[scale_at], weights[scale_at + 1u], weights[scale_at + 2u], weights[scale_at + 3u]);
            if RUNNING == 0u {
                let s = scale_at;
                slope = of_channels(gradients[s], gradients[s + 1u], gradients[s + 2u], gradients[s + 3u]) / values;
                let b = bias_at;
                shift = of_channels(gradients[b], gradients[b + 1u], gradients[b + 2u], gradients[b + 3u]) / values;
            }
        }
#endif
        for (var k = 0u; k < PER_THREAD; k += 1u) {
            let at = item.first + k * item.step;
            var g = dy_at(at);
            if RUNNING == 0u {
                g -= shift + ((x_at(at) - mean) * rstd) * slope;
            }
            dx[at] = a * g;
        }
    }
}
