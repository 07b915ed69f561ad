// Gradient of a bias: sum of dy over the lane's rows and pixels, by blocks of samples. FLAT 1 (spatial is 1): one output a thread,
// samples in order; launch x = outputs / 64, z = lanes. FLAT 0: one output a workgroup, thread t sums items t, t + 64, ... of a block (sample by
// sample, pixel by pixel), then a tree; launch x = outputs, z = lanes. Traffic: reads dy once.
#import lib/lane.wgsl
#import lib/block.wgsl
#import lib/tree.wgsl

struct Params {
    outputs: u32,
    spatial: u32,
    bias_offset: u32,
    accumulate: u32,
}

override FLAT: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let o = select(group.x, group.x * 64u + t, FLAT == 1u);
    let slot = lane.weight_base + params.bias_offset + min(o, params.outputs - 1u);
    var total = select(0.0f, gradients[slot], params.accumulate != 0u);
    if FLAT == 1u {
        if o >= params.outputs {
            return;
        }
        for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
            let samples = min(SAMPLE_BLOCK, lane.rows - block);
            var sum = 0.0f;
            for (var s = 0u; s < samples; s += 1u) {
                sum += dy[(lane.row0 + block + s) * params.outputs + o];
            }
            total += sum;
        }
        gradients[slot] = total;
        return;
    }
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let items = min(SAMPLE_BLOCK, lane.rows - block) * params.spatial;
        var sum = 0.0f;
        for (var u = t; u < items; u += 64u) {
            let sample = u / params.spatial;
            let row = lane.row0 + block + sample;
            sum += dy[(row * params.outputs + o) * params.spatial + (u - sample * params.spatial)];
        }
        total += tree_sum(t, vec2<f32>(sum, 0.0f)).x;
    }
    if t == 0u {
        gradients[slot] = total;
    }
}
