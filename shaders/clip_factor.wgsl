// The factor that brings each lane's gradient to a length of at most `limit`: out[z] = limit / n where n = sqrt(sum of its parts' squares,
// sums[z * stride ..][.. parts]) is longer, else 1. SCALED: out[z] holds a factor f before, by which the gradient is multiplied in any
// case: n is f times as long, and f is multiplied by what comes out. Thread t adds parts t, t + 64, ..., then a tree. A workgroup a lane.
// Launch: z = lanes. Traffic: reads each part once.
#import lib/lanes.wgsl:tree

struct Params {
    parts: u32,
    stride: u32,
    limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    var sum = 0.0f;
    for (var p = t; p < params.parts; p += 64u) {
        sum += sums[group.z * params.stride + p];
    }
    let squares = tree_sum(t, vec2<f32>(sum, 0.0f)).x;
    if t == 0u {
        // A length that is shorter leaves the quotient, of 0 perhaps, unused.
#ifdef SCALED
        let before = out[group.z];
#else
        let before = 1.0f;
#endif
        let length = sqrt(squares) * before;
        out[group.z] = before * select(1.0f, params.limit / length, length > params.limit);
    }
}
