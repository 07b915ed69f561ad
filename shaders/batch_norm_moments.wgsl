// Mean and squared deviations of channels over a lane's rows from those of their parts (conv_channel_moments.wgsl): parts of n_i =
// PART_COLUMNS values, the last of what is left. mean = sum_i n_i mean_i / n, squares = sum_i (squares_i + n_i (mean_i - mean)^2).
// Thread t sums parts t, t + 64, ..., then a tree. Launch and what is stored: lib/norms.wgsl:batch_norm.
// Traffic: reads two floats a part twice (the second time from cache).
#import lib/norms.wgsl:batch_norm

@group(0) @binding(3) var<storage, read> moments: array<vec2<f32>>;

const PART_COLUMNS: u32 = 1u;

fn channel_statistics(lane: Lane, channel: u32, t: u32) -> vec2<f32> {
    let columns = lane.rows * PIXELS;
    let parts = (columns + PART_COLUMNS - 1u) / PART_COLUMNS;
    // Room for a row's parts of a channel, should the row be a lane of its own.
    let row_parts = (PIXELS + PART_COLUMNS - 1u) / PART_COLUMNS;
    let first = lane.row0 * row_parts * CHANNELS + channel * parts;
    var sum = 0.0f;
    for (var i = t; i < parts; i += 64u) {
        sum += moments[first + i].x * f32(min(columns - i * PART_COLUMNS, PART_COLUMNS));
    }
    let mean = tree_sum(t, vec2<f32>(sum, 0.0f)).x / f32(columns);
    var squares = 0.0f;
    for (var i = t; i < parts; i += 64u) {
        let part = moments[first + i];
        let d = part.x - mean;
        squares += part.y + d * d * f32(min(columns - i * PART_COLUMNS, PART_COLUMNS));
    }
    return vec2<f32>(mean, tree_sum(t, vec2<f32>(squares, 0.0f)).x);
}
