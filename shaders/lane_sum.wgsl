// out[lane] = sum of values[out_row .. out_row + rows]: thread t sums rows t, t + 64, ..., then a tree. A workgroup a lane.
// Launch: z = lanes. Traffic: reads each value once.
#import lib/lanes.wgsl:lane
#import lib/lanes.wgsl:tree

struct Params {
    lanes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    var sum = 0.0f;
    for (var r = t; r < lane.rows; r += 64u) {
        sum += values[lane.out_row + r];
    }
    let whole = tree_sum(t, vec2<f32>(sum, 0.0f)).x;
    if t == 0u && group.z < params.lanes {
        out[group.z] = whole;
    }
}
