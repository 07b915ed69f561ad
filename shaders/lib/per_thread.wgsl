// The Values of a thread in elementwise kernels over images: PER_THREAD of one channel of a row (with channels last of the WIDTH channels
// of a Value), PIXELS / PER_THREAD pixels apart, so that what belongs to the channel is loaded once and neighbouring threads keep to
// neighbouring Values. For kernels that import lib/norm.wgsl.
#import lib/value.wgsl

const PER_THREAD: u32 = 1u;

struct Item {
    // row * CHANNELS + channel, and the channel: the first of WIDTH where channels are last.
    plane: u32,
    channel: u32,
    // Where its Values begin and how far apart they are.
    first: u32,
    step: u32,
}

// Items of a lane of so many rows.
fn items_of(rows: u32) -> u32 {
    return rows * select(CHANNELS, CHANNELS / WIDTH, CHANNELS_LAST == 1u) * (PIXELS / PER_THREAD);
}

// Item i of a lane that begins at row0.
fn item_of(row0: u32, i: u32) -> Item {
    let step = max(PIXELS / PER_THREAD, 1u);
    if CHANNELS_LAST == 1u {
        let wide = max(CHANNELS / WIDTH, 1u);
        let place = i / wide;
        let channel = i % wide;
        let row = row0 + place / step;
        let first = (row * PIXELS + place % step) * wide + channel;
        return Item(row * CHANNELS + channel * WIDTH, channel * WIDTH, first, step * wide);
    }
    let plane = row0 * CHANNELS + i / step;
    return Item(plane, plane % CHANNELS, plane * PIXELS + i % step, step);
}

// A Value from what its four channels have.
#ifdef QUADS
fn of_channels(a: f32, b: f32, c: f32, d: f32) -> Value {
    return vec4<f32>(a, b, c, d);
}
#endif
