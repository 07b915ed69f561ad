// dx of batch norm over the n values of each (lane, channel). Statistics of the batch (RUNNING 0), with the sums dscale and dbias
// from the lane's gradients: dx = rstd * scale * (dy - dbias / n - h * dscale / n), h = (x - mean) * rstd. Running statistics
// (RUNNING 1): dx = dy * rstd * scale. A thread makes PER_THREAD Values (lib/per_thread.wgsl).
// Launch: x = items of the largest lane / 64 (at most 65,535, then strided), z = lanes. Traffic: reads x and dy, writes dx, once each.
#import lib/value.wgsl
#import lib/norm.wgsl
#import lib/per_thread.wgsl

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
    let step = PIXELS / PER_THREAD;
    let lane = lanes[group.z];
    let items = lane.rows * CHANNELS * step;
    let plane0 = lane.row0 * CHANNELS;
    let values = f32(lane.rows * PIXELS * WIDTH);
    for (var i = group.x * 64u + t; i < items; i += groups.x * 64u) {
        let plane = plane0 + i / step;
        let channel = plane % CHANNELS;
        let stat = stats[group.z * CHANNELS + channel];
        let scale_at = lane.weight_base + params.scale_offset + channel;
        let a = stat.y * weights[scale_at];
        var slope = 0.0f;
        var shift = 0.0f;
        if RUNNING == 0u {
            slope = gradients[scale_at] / values;
            shift = gradients[lane.weight_base + params.bias_offset + channel] / values;
        }
        let first = plane * PIXELS + i % step;
        for (var k = 0u; k < PER_THREAD; k += 1u) {
            let at = first + k * step;
            var g = dy_at(at);
            if RUNNING == 0u {
                g -= shift + ((x_at(at) - stat.x) * stat.y) * slope;
            }
            dx[at] = a * g;
        }
    }
}
