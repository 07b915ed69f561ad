// What a client's step makes of its scale s (src/kernels/lib/scales.rs), a power of two that its gradients are multiplied by: the factor
// 1 / s that takes it out again; or, where a gradient is no finite number, 0: the step is skipped, which is counted, and s halved, unless
// it is the least. A lane a thread. Launch: x = lanes / 64. Traffic: four words a lane in and out, a factor out.
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:scales

struct Params {
    count: u32,
    stride: u32, // f32 from one client's weights to the next's
    least: u32, // bits of an f32
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> factors: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = group.x * 64u + t;
    if lane >= params.count {
        return;
    }
    let at = lanes[lane].weight_base / params.stride * 4u;
    let scale = words[at];
    if words[at + 1u] == 0u {
        factors[lane] = reciprocal(scale);
        return;
    }
    factors[lane] = 0.0f;
    words[at] = max(scale - 0x00800000u, params.least);
    words[at + 1u] = 0u;
    words[at + 2u] += 1u;
}
