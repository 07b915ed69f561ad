// y = (x - mean) * rstd * scale[c] + bias[c] over groups of channels, population variance, eps 1e-5, two passes; mean and rstd
// are saved for the backward pass. A workgroup takes a (row, group) at a time: thread t sums elements t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads x three times (the later ones from cache), writes it once; weights 2 a channel and row.
#import lib/weight.wgsl
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
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2<f32>>;

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
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let first = row * params.channels * params.spatial + channel0 * params.spatial;
        var sum = 0.0f;
        for (var i = t; i < count; i += 64u) {
            sum += x[first + i];
        }
        let mean = tree_sum(t, vec2<f32>(sum, 0.0f)).x / f32(count);
        var squares = 0.0f;
        for (var i = t; i < count; i += 64u) {
            let d = x[first + i] - mean;
            squares += d * d;
        }
        let variance = tree_sum(t, vec2<f32>(squares, 0.0f)).x / f32(count);
        let rstd = 1.0f / sqrt(variance + 1.0e-5f);
        if t == 0u {
            stats[row * params.groups + group.x] = vec2<f32>(mean, rstd);
        }
        for (var i = t; i < count; i += 64u) {
            let channel = channel0 + i / params.spatial;
            let scale = weight_at(lane, params.scale_offset + channel);
            let bias = weight_at(lane, params.bias_offset + channel);
            y[first + i] = (x[first + i] - mean) * rstd * scale + bias;
        }
    }
}
