// Mean and deviation of each (row, group) of channels, population variance, eps 1e-5, two passes, as lib/group_norm_kept.wgsl keeps
// them. A workgroup takes a (row, group) at a time: thread t sums Values t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads x twice (the second time from cache); weights 2 a channel and row.
#import lib/group_norm_kept.wgsl
#import lib/tree.wgsl

// Value 3 is x.

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
        keep(lane, row, group.x, t, mean, variance);
    }
}
