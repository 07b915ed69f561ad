// The same as batch_norm_stats.wgsl where channels lie last: mean and squared deviations of parts of a channel over a lane's rows, part i
// of PART_COLUMNS (row, pixel) from i * PART_COLUMNS on, in two passes. A thread has a Value of channels and every ROW_TEAMS-th pixel of
// the part (lib/lanes.wgsl:row_teams).
// Launch: x = parts of the largest lane, y = Values of channels / TEAM_COLUMNS, z = lanes. Traffic: reads x twice, the second time from
// cache.
#import lib/values.wgsl:value
#import lib/norms.wgsl:params
#import lib/lanes.wgsl:row_teams

#operand @binding(2) x: Value
@group(0) @binding(3) var<storage, read_write> moments: array<vec2<f32>>;

const PART_COLUMNS: u32 = 4u;

alias TeamValue = Value;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(1u);
    let lane = lanes[group.z];
    let count = lane.rows * PIXELS;
    let first = group.x * PART_COLUMNS;
    if first >= count {
        return;
    }
    let end = min(first + PART_COLUMNS, count);
    let wide = CHANNELS / WIDTH;
    let own = group.y * TEAM_COLUMNS + t % TEAM_COLUMNS;
    let column = min(own, wide - 1u);
    let origin = lane.row0 * PIXELS * wide + column;
    var sum = Value();
    for (var i = first + t / TEAM_COLUMNS; i < end; i += ROW_TEAMS) {
        sum += x_at(origin + i * wide);
    }
    let mean = over_teams(t, sum) / f32(end - first);
    var squares = Value();
    for (var i = first + t / TEAM_COLUMNS; i < end; i += ROW_TEAMS) {
        let d = x_at(origin + i * wide) - mean;
        squares += d * d;
    }
    let means = to_quad(mean);
    let deviations = to_quad(over_teams(t, squares));
    if own < wide && t < TEAM_COLUMNS {
        let parts = (count + PART_COLUMNS - 1u) / PART_COLUMNS;
        let room = lane.row0 * ((PIXELS + PART_COLUMNS - 1u) / PART_COLUMNS) * CHANNELS;
        for (var e = 0u; e < WIDTH; e += 1u) {
            moments[room + (column * WIDTH + e) * parts + group.x] = vec2<f32>(means[e], deviations[e]);
        }
    }
}
