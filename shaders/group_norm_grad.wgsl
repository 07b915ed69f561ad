// dx of group norm: with u = dy * scale[c] and h = (x - mean) * rstd, dx = rstd * (u - mean(u) - h * mean(u h)) over each
// (row, group). A workgroup takes one at a time: thread t sums Values t, t + 64, ..., then a tree.
// Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided), z = lanes.
// Traffic: reads x and dy twice (the second time from cache), writes dx once.
#import lib/images.wgsl:slices
#import lib/lanes.wgsl:tree

@group(0) @binding(2) var<storage, read> weights: array<f32>;
#operand @binding(3) x: Value
#operand @binding(4) dy: Value
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dx: array<Value>;

// The scale of Value i of a group whose first channel's is at scale_at.
fn scale_of(scale_at: u32, i: u32) -> Value {
    if CHANNELS_LAST == 1u {
        let at = scale_at + i % max(CHANNELS / GROUPS / WIDTH, 1u) * WIDTH;
#ifdef QUADS
        return vec4<f32>(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
#else
        return weights[at];
#endif
    }
    return Value(weights[scale_at + i / PIXELS]);
}

// The Value behind those from i on that have the scale of i.
fn end_of_scale(i: u32) -> u32 {
    return select((i / PIXELS + 1u) * PIXELS, i + 1u, CHANNELS_LAST == 1u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    load_shape(WIDTH);
    let lane = lanes[group.z];
    let per_group = CHANNELS / params.groups;
    let count = slice_values();
    let values = f32(count * WIDTH);
    let channel0 = group.x * per_group;
    let scale_at = lane.weight_base + params.scale_offset + channel0;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let slice = row * params.groups + group.x;
        let stat = stats[slice];
        var sum_u = Value();
        var sum_uh = Value();
        for (var i = t; i < count;) {
            let scale = scale_of(scale_at, i);
            for (let end = end_of_scale(i); i < end; i += 64u) {
                let at = slice_at(slice, count, i);
                let u = dy_at(at) * scale;
                sum_u += u;
                sum_uh += u * ((x_at(at) - stat.x) * stat.y);
            }
        }
        let means = tree_sum(t, vec2<f32>(total(sum_u), total(sum_uh))) / values;
        for (var i = t; i < count;) {
            let scale = scale_of(scale_at, i);
            for (let end = end_of_scale(i); i < end; i += 64u) {
                let at = slice_at(slice, count, i);
                let u = dy_at(at) * scale;
                let h = (x_at(at) - stat.x) * stat.y;
                dx[at] = stat.y * (u - means.x - h * means.y);
            }
        }
    }
}
