// How the values of a sample that has pixels lie: [channel][y][x], or with CHANNELS_LAST 1 [y][x][channel]. A constant decides, so that
// what is built has the index arithmetic of one of them only. With channel_step(pixels) from a channel to the next of a sample of so many
// pixels, and pixel_step(channels) from a pixel to the next, channel c lies at pixel p at c * channel_step + p * pixel_step.
// Both sides of a condition on it are checked when a kernel is built: a divisor that is 0 in the other layout is at least 1 there, too.
const CHANNELS_LAST: u32 = 0u;

fn channel_step(pixels: u32) -> u32 {
    return select(pixels, 1u, CHANNELS_LAST == 1u);
}

fn pixel_step(channels: u32) -> u32 {
    return select(1u, channels, CHANNELS_LAST == 1u);
}
