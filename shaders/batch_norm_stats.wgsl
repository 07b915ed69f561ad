// Mean and squared deviations of parts of a channel over a lane's rows, for batch_norm_moments.wgsl: part i are values i * PART_COLUMNS
// and following by (row, pixel), the last one has what is left. Two passes: thread t sums Values t, t + 64, ... of the part, then a tree.
// Parts lie as conv_channel_moments.wgsl leaves them.
// Launch: x = parts of the largest lane, y = channels, z = lanes. Traffic: reads x twice, the second time from cache.
#import lib/values.wgsl:value
#import lib/norms.wgsl:params
#import lib/lanes.wgsl:tree

#operand @binding(2) x: Value
@group(0) @binding(3) var<storage, read_write> moments: array<vec2<f32>>;

const PART_COLUMNS: u32 = 4u;
const PART: u32 = PART_COLUMNS / WIDTH;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(WIDTH);
    let lane = lanes[group.z];
    let channel = group.y;
    let count = lane.rows * PIXELS;
    let first = group.x * PART;
    if first >= count {
        return;
    }
    let end = min(first + PART, count);
    var sum = Value();
    for (var i = first + t; i < end; i += 64u) {
        sum += x_at(((lane.row0 + i / PIXELS) * CHANNELS + channel) * PIXELS + i % PIXELS);
    }
    let mean = tree_sum(t, vec2<f32>(total(sum), 0.0f)).x / f32((end - first) * WIDTH);
    var squares = Value();
    for (var i = first + t; i < end; i += 64u) {
        let d = x_at(((lane.row0 + i / PIXELS) * CHANNELS + channel) * PIXELS + i % PIXELS) - mean;
        squares += d * d;
    }
    let whole = tree_sum(t, vec2<f32>(total(squares), 0.0f)).x;
    if t == 0u {
        // Room for a row's parts of a channel, should the row be a lane of its own.
        let row_parts = (PIXELS + PART - 1u) / PART;
        let parts = (count + PART - 1u) / PART;
        moments[lane.row0 * row_parts * CHANNELS + channel * parts + group.x] = vec2<f32>(mean, whole);
    }
}
