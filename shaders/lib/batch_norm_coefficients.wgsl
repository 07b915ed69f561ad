// Statistics of batch norm over a lane's rows and pixels: (mean, rstd) of each (lane, channel), population variance, eps 1e-5; (a, b) with
// a = rstd * scale[c], b = bias[c] - mean * a; and (mean, variance * n / (n - 1)) for the running statistics.
// A workgroup takes a channel of a lane. Launch: x = channels, z = lanes. Traffic: the kernel's.
//
// A kernel that imports this defines channel_statistics(lane, channel, t) -> (mean, sum of squared deviations), called by all 64 threads t
// of a workgroup.
#import lib/norm.wgsl
#import lib/weight.wgsl
#import lib/coefficients.wgsl
#import lib/tree.wgsl

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> unbiased: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(1u);
    let lane = lanes[group.z];
    let channel = group.x;
    if lane.rows == 0u {
        return;
    }
    let values = f32(lane.rows * params.spatial);
    let found = channel_statistics(lane, channel, t);
    let rstd = 1.0f / sqrt(found.y / values + EPS);
    if t == 0u {
        let at = group.z * CHANNELS + channel;
        stats[at] = vec2<f32>(found.x, rstd);
        coefficients[at] = coefficients_of(lane, channel, found.x, rstd);
        unbiased[at] = vec2<f32>(found.x, found.y / max(values - 1.0f, 1.0f));
    }
}
