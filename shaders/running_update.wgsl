// running = 0.9 running + 0.1 moment, mean and variance of each channel, each lane's own. A thread a channel.
// Launch: x = channels / 64, z = lanes. Traffic: reads four f32 a lane and channel, writes two.
#import lib/norms.wgsl:params

@group(0) @binding(2) var<storage, read> moments: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> running: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = lanes[group.z];
    let channel = group.x * 64u + t;
    if channel >= params.channels || lane.rows == 0u {
        return;
    }
    let moment = moments[group.z * params.channels + channel];
    let mean_at = lane.weight_base + params.mean_offset + channel;
    let variance_at = lane.weight_base + params.variance_offset + channel;
    running[mean_at] = 0.9f * running[mean_at] + 0.1f * moment.x;
    running[variance_at] = 0.9f * running[variance_at] + 0.1f * moment.y;
}
