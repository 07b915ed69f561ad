// (mean, rstd) of each (row, group) of channels: population variance, eps 1e-5, two passes; and (a, b) of each (row, channel):
// a = rstd * scale[c], b = bias[c] - mean * a, so that norm_apply forms no perturbed weights. A workgroup takes a (row, group) at
// a time: thread t sums Values t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads x twice (the second time from cache); weights 2 a channel and row.
#import lib/norm.wgsl
#import lib/weight.wgsl
#import lib/coefficients.wgsl
#import lib/tree.wgsl

@group(0) @binding(2) var<storage, read> weights: array<f32>;
// Value 3 is x.
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let per_group = CHANNELS / params.groups;
    let count = per_group * PIXELS;
    let values = f32(count * WIDTH);
    let channel0 = group.x * per_group;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let first = (row * CHANNELS + channel0) * PIXELS;
        var sum = Value();
        for (var i = t; i < count; i += 64u) {
            sum += value3_at(first + i);
        }
        let mean = tree_sum(t, vec2<f32>(total(sum), 0.0f)).x / values;
        var squares = Value();
        for (var i = t; i < count; i += 64u) {
            let d = value3_at(first + i) - mean;
            squares += d * d;
        }
        let variance = tree_sum(t, vec2<f32>(total(squares), 0.0f)).x / values;
        let rstd = 1.0f / sqrt(variance + EPS);
        if t == 0u {
            stats[row * params.groups + group.x] = vec2<f32>(mean, rstd);
        }
        for (var c = channel0 + t; c < channel0 + per_group; c += 64u) {
            coefficients[row * CHANNELS + c] = coefficients_of(lane, c, mean, rstd);
        }
    }
}
