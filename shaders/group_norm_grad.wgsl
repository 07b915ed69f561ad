// dx of group norm: with u = dy * scale[c] and h = (x - mean) * rstd, dx = rstd * (u - mean(u) - h * mean(u h)) over each
// (row, group). A workgroup takes one at a time: thread t sums Values t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads x and dy twice (the second time from cache), writes dx once.
#import lib/value.wgsl
#import lib/norm.wgsl
#import lib/tree.wgsl

@group(0) @binding(2) var<storage, read> weights: array<f32>;
#operand @binding(3) x: Value
#operand @binding(4) dy: Value
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dx: array<Value>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    load_shape(WIDTH);
    let lane = lanes[group.z];
    let per_group = CHANNELS / params.groups;
    let count = per_group * PIXELS;
    let values = f32(count * WIDTH);
    let channel0 = group.x * per_group;
    let scale_at = lane.weight_base + params.scale_offset + channel0;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let first = (row * CHANNELS + channel0) * PIXELS;
        let stat = stats[row * params.groups + group.x];
        var sum_u = Value();
        var sum_uh = Value();
        for (var i = t; i < count; i += 64u) {
            let u = dy_at(first + i) * weights[scale_at + i / PIXELS];
            sum_u += u;
            sum_uh += u * ((x_at(first + i) - stat.x) * stat.y);
        }
        let means = tree_sum(t, vec2<f32>(total(sum_u), total(sum_uh))) / values;
        for (var i = t; i < count; i += 64u) {
            let u = dy_at(first + i) * weights[scale_at + i / PIXELS];
            let h = (x_at(first + i) - stat.x) * stat.y;
            dx[first + i] = stat.y * (u - means.x - h * means.y);
        }
    }
}
