// Mean and squared deviations of channels over a lane's rows in two passes: thread t sums Values t, t + 64, ... row by row, then a tree.
// Launch and what is stored: lib/batch_norm_coefficients.wgsl. Traffic: reads x twice.
#import lib/value.wgsl
#import lib/batch_norm_coefficients.wgsl

#operand @binding(3) x: Value

fn channel_statistics(lane: Lane, channel: u32, t: u32) -> vec2<f32> {
    let count = lane.rows * PIXELS;
    var sum = Value();
    for (var i = t; i < count; i += 64u) {
        sum += x_at(((lane.row0 + i / PIXELS) * CHANNELS + channel) * PIXELS + i % PIXELS);
    }
    let mean = tree_sum(t, vec2<f32>(total(sum), 0.0f)).x / f32(count * WIDTH);
    var squares = Value();
    for (var i = t; i < count; i += 64u) {
        let d = x_at(((lane.row0 + i / PIXELS) * CHANNELS + channel) * PIXELS + i % PIXELS) - mean;
        squares += d * d;
    }
    return vec2<f32>(mean, tree_sum(t, vec2<f32>(total(squares), 0.0f)).x);
}
