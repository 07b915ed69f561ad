// dx of group_norm: with u = dy * scale[c] and h = (x - mean) * rstd, dx = rstd * (u - mean(u) - h * mean(u h)) over each
// (row, group). A workgroup takes one at a time: thread t sums elements t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads x and dy twice (the second from cache), writes dx once.
#import lib/lane.wgsl
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
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let per_group = params.channels / params.groups;
    let count = per_group * params.spatial;
    let channel0 = group.x * per_group;
    let scale_at = lane.weight_base + params.scale_offset + channel0;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let first = row * params.channels * params.spatial + channel0 * params.spatial;
        let stat = stats[row * params.groups + group.x];
        var sums = vec2<f32>(0.0f);
        for (var i = t; i < count; i += 64u) {
            let u = dy[first + i] * weights[scale_at + i / params.spatial];
            let h = (x[first + i] - stat.x) * stat.y;
            sums += vec2<f32>(u, u * h);
        }
        let means = tree_sum(t, sums) / f32(count);
        for (var i = t; i < count; i += 64u) {
            let u = dy[first + i] * weights[scale_at + i / params.spatial];
            let h = (x[first + i] - stat.x) * stat.y;
            dx[first + i] = stat.y * (u - means.x - h * means.y);
        }
    }
}
