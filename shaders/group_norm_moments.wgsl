// Mean and deviation of each (row, group) of channels from those of its parts (conv_moments.wgsl), which are of PART_VALUES values each:
// mean = sum_i mean_i / parts, variance = sum_i (squares_i + PART_VALUES (mean_i - mean)^2) / (parts PART_VALUES); kept as
// lib/group_norm_kept.wgsl says. A workgroup takes a (row, group) at a time: thread t sums parts t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads two floats a part twice (the second time from cache); weights 2 a channel and row.
#import lib/group_norm_kept.wgsl
#import lib/tree.wgsl

@group(0) @binding(3) var<storage, read> moments: array<vec2<f32>>;

// Of a (row, group).
const PARTS: u32 = 1u;
const PART_VALUES: u32 = 1u;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let first = (row * params.groups + group.x) * PARTS;
        var sum = 0.0f;
        for (var i = t; i < PARTS; i += 64u) {
            sum += moments[first + i].x;
        }
        let mean = tree_sum(t, vec2<f32>(sum, 0.0f)).x / f32(PARTS);
        var squares = 0.0f;
        for (var i = t; i < PARTS; i += 64u) {
            let part = moments[first + i];
            let d = part.x - mean;
            squares += part.y + f32(PART_VALUES) * d * d;
        }
        let variance = tree_sum(t, vec2<f32>(squares, 0.0f)).x / f32(PARTS * PART_VALUES);
        keep(lane, row, group.x, t, mean, variance);
    }
}
