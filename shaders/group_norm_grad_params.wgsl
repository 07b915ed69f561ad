// Gradients of group_norm's scale and bias: sums of dy * (x - mean) * rstd and of dy over a lane's rows and pixels. A workgroup
// takes a channel: per block of samples thread t sums items t, t + 64, ... (sample by sample, pixel by pixel), then a tree.
// Launch: x = channels, z = lanes. Traffic: reads x and dy once.
#import lib/lane.wgsl
#import lib/block.wgsl
#import lib/tree.wgsl

struct Params {
    channels: u32,
    groups: u32,
    spatial: u32,
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let channel = group.x;
    let norm_group = channel / (params.channels / params.groups);
    let scale_at = lane.weight_base + params.scale_offset + channel;
    let bias_at = lane.weight_base + params.bias_offset + channel;
    var total = vec2<f32>(0.0f);
    if params.accumulate != 0u {
        total = vec2<f32>(gradients[scale_at], gradients[bias_at]);
    }
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let items = min(SAMPLE_BLOCK, lane.rows - block) * params.spatial;
        var sums = vec2<f32>(0.0f);
        for (var u = t; u < items; u += 64u) {
            let sample = u / params.spatial;
            let row = lane.row0 + block + sample;
            let at = (row * params.channels + channel) * params.spatial + (u - sample * params.spatial);
            let stat = stats[row * params.groups + norm_group];
            let g = dy[at];
            sums += vec2<f32>(g * ((x[at] - stat.x) * stat.y), g);
        }
        total += tree_sum(t, sums);
    }
    if t == 0u {
        gradients[scale_at] = total.x;
        gradients[bias_at] = total.y;
    }
}
