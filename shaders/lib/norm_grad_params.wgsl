// Gradients of a norm's scale and bias: sums of dy * (x - mean) * rstd and of dy over a lane's rows and pixels, with (mean, rstd) of
// the (row, group) (BY_ROW 1) or the (lane, channel) (BY_ROW 0). A workgroup takes a channel: per block of samples thread t sums
// Values t, t + 64, ... (sample by sample, pixel by pixel), then a tree.
// Launch: x = channels, z = lanes. Traffic: reads x and dy once.
#import lib/norm.wgsl
#import lib/block.wgsl
#import lib/tree.wgsl

override BY_ROW: u32 = 1u;

// Value 2 is x, value 3 is dy.
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = lanes[group.z];
    let channel = group.x;
    let norm_group = channel / (CHANNELS / params.groups);
    let scale_at = lane.weight_base + params.scale_offset + channel;
    let bias_at = lane.weight_base + params.bias_offset + channel;
    var whole = vec2<f32>();
    if params.accumulate != 0u {
        whole = vec2<f32>(gradients[scale_at], gradients[bias_at]);
    }
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let items = min(SAMPLE_BLOCK, lane.rows - block) * PIXELS;
        var scale_sum = Value();
        var bias_sum = Value();
        for (var u = t; u < items; u += 64u) {
            let row = lane.row0 + block + u / PIXELS;
            let at = (row * CHANNELS + channel) * PIXELS + u % PIXELS;
            let stat = stats[select(group.z * CHANNELS + channel, row * params.groups + norm_group, BY_ROW == 1u)];
            let g = value3_at(at);
            scale_sum += g * ((value2_at(at) - stat.x) * stat.y);
            bias_sum += g;
        }
        whole += tree_sum(t, vec2<f32>(total(scale_sum), total(bias_sum)));
    }
    if t == 0u {
        gradients[scale_at] = whole.x;
        gradients[bias_at] = whole.y;
    }
}
