// (mean, rstd) of each (lane, channel) from the running statistics, which are never perturbed, and (a, b): a = rstd * scale[c],
// b = bias[c] - mean * a. `running` is the part of the weight vector that holds the statistics, `weights` the one with scale and bias.
// A thread a channel. Launch: x = channels / 64, z = lanes. Traffic: reads four f32 a lane and channel, writes four.
#import lib/norms.wgsl:params
#import lib/weights.wgsl:weight
#import lib/norms.wgsl:coefficients

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> running: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(1u);
    let lane = lanes[group.z];
    let channel = group.x * 64u + t;
    if channel >= CHANNELS {
        return;
    }
    let mean = running[lane.weight_base + params.mean_offset + channel];
    let rstd = 1.0f / sqrt(running[lane.weight_base + params.variance_offset + channel] + EPS);
    stats[group.z * CHANNELS + channel] = vec2<f32>(mean, rstd);
    coefficients[group.z * CHANNELS + channel] = coefficients_of(lane, channel, mean, rstd);
}
