// (mean, rstd) of each (lane, channel) over the lane's rows and pixels: population variance, eps 1e-5, two passes; (a, b) with
// a = rstd * scale[c], b = bias[c] - mean * a; and (mean, variance * n / (n - 1)) for the running statistics. A workgroup takes
// a channel of a lane: thread t sums Values t, t + 64, ... row by row, then a tree.
// Launch: x = channels, z = lanes. Traffic: reads x twice.
#import lib/norm.wgsl
#import lib/weight.wgsl
#import lib/coefficients.wgsl
#import lib/tree.wgsl

@group(0) @binding(2) var<storage, read> weights: array<f32>;
// Value 3 is x.
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> moments: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = lanes[group.z];
    let channel = group.x;
    if lane.rows == 0u {
        return;
    }
    let count = lane.rows * PIXELS;
    let values = f32(count * WIDTH);
    var sum = Value();
    for (var i = t; i < count; i += 64u) {
        sum += value3_at(((lane.row0 + i / PIXELS) * CHANNELS + channel) * PIXELS + i % PIXELS);
    }
    let mean = tree_sum(t, vec2<f32>(total(sum), 0.0f)).x / values;
    var squares = Value();
    for (var i = t; i < count; i += 64u) {
        let d = value3_at(((lane.row0 + i / PIXELS) * CHANNELS + channel) * PIXELS + i % PIXELS) - mean;
        squares += d * d;
    }
    let squared = tree_sum(t, vec2<f32>(total(squares), 0.0f)).x;
    let rstd = 1.0f / sqrt(squared / values + EPS);
    if t == 0u {
        let at = group.z * CHANNELS + channel;
        stats[at] = vec2<f32>(mean, rstd);
        coefficients[at] = coefficients_of(lane, channel, mean, rstd);
        moments[at] = vec2<f32>(mean, squared / max(values - 1.0f, 1.0f));
    }
}
