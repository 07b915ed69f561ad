// Mean and variance of each (row, group) of channels from those of its parts (conv_group_moments.wgsl), which are of PART_VALUES values
// each: mean = sum_i mean_i / parts, variance = sum_i (squares_i + PART_VALUES (mean_i - mean)^2) / (parts PART_VALUES). Thread t sums
// parts t, t + 64, ..., then a tree. Launch and what is stored: lib/norms.wgsl:group_norm.
// Traffic: reads two floats a part twice (the second time from cache).
#import lib/norms.wgsl:group_norm

@group(0) @binding(3) var<storage, read> moments: array<vec2<f32>>;

// Of a (row, group).
const PARTS: u32 = 1u;
const PART_VALUES: u32 = 1u;

const PIXEL_WIDTH: u32 = 1u;

fn slice_statistics(slice: u32, t: u32) -> vec2<f32> {
    let first = slice * PARTS;
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
    return vec2<f32>(mean, tree_sum(t, vec2<f32>(squares, 0.0f)).x / f32(PARTS * PART_VALUES));
}
