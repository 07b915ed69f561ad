// Pixels of a convolution's input by the taps that meet them: those of equal (y + padding) % stride and (x + padding) % stride, a class,
// meet the same taps i, j of the kernel, every stride-th one. Products of a class have no zeros in between.
#import lib/geometry.wgsl

// Along y and x each: the first tap and how many there are, the first pixel and how many there are, and where in the output the first tap
// meets the first pixel.
struct Class {
    first_tap: vec2<u32>,
    taps: vec2<u32>,
    first_pixel: vec2<u32>,
    size: vec2<u32>,
    start: vec2<u32>,
}

// How many of `count` places or taps from `first` on, every stride-th one.
fn every(first: u32, count: u32) -> u32 {
    return (max(count, first) - first + STRIDE - 1u) / STRIDE;
}

// Of the stride * stride classes.
fn class_of(number: u32) -> Class {
    // The least multiple of the stride that isn't below the padding, minus it.
    let shift = (PADDING + STRIDE - 1u) / STRIDE * STRIDE - PADDING;
    let first_tap = vec2<u32>(number / STRIDE, number % STRIDE);
    let first_pixel = (first_tap + shift) % STRIDE;
    return Class(
        first_tap,
        vec2<u32>(every(first_tap.x, KERNEL), every(first_tap.y, KERNEL)),
        first_pixel,
        vec2<u32>(every(first_pixel.x, IN_H), every(first_pixel.y, IN_W)),
        (first_pixel + PADDING - first_tap) / STRIDE,
    );
}
