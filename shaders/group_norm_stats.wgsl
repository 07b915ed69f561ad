// Mean and variance of each (row, group) of channels in two passes: thread t sums Values t, t + 64, ..., then a tree. Launch and what is
// stored: lib/norms.wgsl:group_norm. Traffic: reads x twice (the second time from cache).
#import lib/images.wgsl:slices
#import lib/norms.wgsl:group_norm

#operand @binding(3) x: Value

const PIXEL_WIDTH: u32 = WIDTH;

fn slice_statistics(slice: u32, t: u32) -> vec2<f32> {
    let count = slice_values();
    let values = f32(count * WIDTH);
    var sum = Value();
    for (var i = t; i < count; i += 64u) {
        sum += x_at(slice_at(slice, count, i));
    }
    let mean = tree_sum(t, vec2<f32>(total(sum), 0.0f)).x / values;
    var squares = Value();
    for (var i = t; i < count; i += 64u) {
        let d = x_at(slice_at(slice, count, i)) - mean;
        squares += d * d;
    }
    return vec2<f32>(mean, tree_sum(t, vec2<f32>(total(squares), 0.0f)).x / values);
}
