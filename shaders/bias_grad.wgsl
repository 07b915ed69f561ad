// Gradient of a bias: sum of dy over the lane's rows and pixels, by blocks of samples. FLAT 1 (spatial is 1): four neighbouring outputs a
// thread, samples in order; launch x = outputs / 256, z = lanes. FLAT 0: one output a workgroup; thread t sums quads t, t + 64, ... of a
// block's pixels (sample by sample, each sample's last quad filled up with 0), then a tree; launch x = outputs, z = lanes.
// Traffic: reads dy once.
#import lib/lane.wgsl
#import lib/block.wgsl
#import lib/tree.wgsl
#import lib/gradient.wgsl

struct Params {
    outputs: u32,
    spatial: u32,
    bias_offset: u32,
    accumulate: u32,
}

override FLAT: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let slot = lane.weight_base + params.bias_offset;
    if FLAT == 1u {
        let o = (group.x * 64u + t) * 4u;
        if o >= params.outputs {
            return;
        }
        let count = min(params.outputs - o, 4u);
        var total = vec4<f32>(0.0f);
        if params.accumulate == 1u {
            for (var i = 0u; i < count; i += 1u) {
                total[i] = gradients[slot + o + i];
            }
        }
        for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
            let samples = min(SAMPLE_BLOCK, lane.rows - block);
            var sum = vec4<f32>(0.0f);
            for (var s = 0u; s < samples; s += 1u) {
                sum += dy_four((lane.row0 + block + s) * params.outputs + o, params.outputs - o);
            }
            total += sum;
        }
        for (var i = 0u; i < count; i += 1u) {
            gradients[slot + o + i] = total[i];
        }
        return;
    }
    let o = group.x;
    var total = select(0.0f, gradients[slot + o], params.accumulate == 1u);
    let quads = (params.spatial + 3u) / 4u;
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let items = min(SAMPLE_BLOCK, lane.rows - block) * quads;
        var sum = vec4<f32>(0.0f);
        for (var u = t; u < items; u += 64u) {
            let sample = u / quads;
            let pixel = (u - sample * quads) * 4u;
            let row = lane.row0 + block + sample;
            sum += dy_four((row * params.outputs + o) * params.spatial + pixel, params.spatial - pixel);
        }
        total += tree_sum(t, vec2<f32>((sum.x + sum.y) + (sum.z + sum.w), 0.0f)).x;
    }
    if t == 0u {
        gradients[slot + o] = total;
    }
}
