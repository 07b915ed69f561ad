// Where the Values of a (row, group) of channels lie: one after another, or with channels last those of a group at each pixel.
// slice = row * groups + group.
#import lib/value.wgsl
#import lib/norm.wgsl

// Values of a slice.
fn slice_values() -> u32 {
    if CHANNELS_LAST == 1u {
        return PIXELS * (CHANNELS / GROUPS / WIDTH);
    }
    return CHANNELS / params.groups * PIXELS;
}

// Where Value i of a slice of `count` lies.
fn slice_at(slice: u32, count: u32, i: u32) -> u32 {
    if CHANNELS_LAST == 1u {
        let wide = CHANNELS / GROUPS / WIDTH;
        return (slice / GROUPS * PIXELS + i / wide) * (CHANNELS / WIDTH) + slice % GROUPS * wide + i % wide;
    }
    return slice * count + i;
}
