// Sums of squares of each lane's gradient, a part of 128 values each: out[z * stride + first + p] = sum over i of part p of g[base + i]^2.
// Where parts begin depends on nothing but the values' place, so that a vector in pieces gives the same sums.
// 16 threads own a part: thread t adds values t, t + 16, ... of it, and the first of them the sixteen sums in order. Four parts a
// workgroup.
// Launch: parts / 4 folded over x and y, z = lanes. Traffic: reads each value once, writes one f32 a part.
#import lib/lanes.wgsl:lane

struct Params {
    count: u32,
    parts: u32,
    stride: u32,
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> values: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

const TEAM: u32 = 16u;
const PART: u32 = 128u;
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let part = (group.y * groups.x + group.x) * 4u + t / TEAM;
    let member = t % TEAM;
    let base = lanes[group.z].weight_base;
    var sum = 0.0f;
    if part < params.parts {
        let end = min(params.count - part * PART, PART);
        for (var i = member; i < end; i += TEAM) {
            let g = values[base + part * PART + i];
            sum += g * g;
        }
    }
    sums[t] = sum;
    workgroupBarrier();
    if member == 0u && part < params.parts {
        var total = sums[t];
        for (var k = 1u; k < TEAM; k += 1u) {
            total += sums[t + k];
        }
        out[group.z * params.stride + params.first + part] = total;
    }
}
