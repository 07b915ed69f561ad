// Which clients' gradients hold a value that is no finite number: words[4 * client + 1] = 1 (src/kernels/lib/scales.rs), client being
// base / stride. Nothing is written for the others. A thread goes over 4 values, 64 apart.
// Launch: count / 256 folded over x and y, z = lanes. Traffic: reads each value once.
#import lib/lanes.wgsl:lane

struct Params {
    count: u32,
    stride: u32, // f32 from one client's weights to the next's
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> words: array<atomic<u32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let base = lanes[group.z].weight_base;
    let first = (group.y * groups.x + group.x) * 256u + t;
    // In bits: a compiler may take all numbers for finite. The exponent is all ones.
    var most = 0u;
    for (var i = 0u; i < 4u; i++) {
        let at = first + 64u * i;
        if at < params.count {
            most = max(most, bitcast<u32>(values[base + at]) & 0x7fffffffu);
        }
    }
    if most >= 0x7f800000u {
        atomicStore(&words[base / params.stride * 4u + 1u], 1u);
    }
}
