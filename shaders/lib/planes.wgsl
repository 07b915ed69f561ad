// Planes of images: one after another, or with channels last value by value, so many of them. Neighbouring items are neighbours in memory.
#import lib/layout.wgsl

struct Params {
    planes: u32,
    h: u32,
    w: u32,
    out_h: u32,
    out_w: u32,
    kernel_h: u32,
    kernel_w: u32,
    stride: u32,
    channels: u32,
}

override MODE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;

struct PlaneItem {
    plane: u32,
    pixel: u32,
}

// The plane and the pixel of item i, of `channels` planes (where they lie last) of so many pixels.
fn plane_of(i: u32, channels: u32, pixels: u32) -> PlaneItem {
    if CHANNELS_LAST == 1u {
        let place = i / channels;
        let row = place / pixels;
        return PlaneItem(row * channels + i - place * channels, place - row * pixels);
    }
    let plane = i / pixels;
    return PlaneItem(plane, i - plane * pixels);
}

// Where a plane's first pixel lies.
fn first_of_plane(plane: u32, channels: u32, pixels: u32) -> u32 {
    if CHANNELS_LAST == 1u {
        let row = plane / channels;
        return row * channels * pixels + plane - row * channels;
    }
    return plane * pixels;
}
