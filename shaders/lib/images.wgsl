// Images: how channels and pixels lie, planes, sizes of a convolution, which pixels meet which taps, the Values of a thread or a group.

#section layout
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

#section planes
// Planes of images: one after another, or with channels last value by value, so many of them. Neighbouring items are neighbours in memory.
#import lib/images.wgsl:layout

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

#section sizes
// Sizes of a convolution as they lie in a uniform block.
struct Sizes {
    in_c: u32,
    in_h: u32,
    in_w: u32,
    out_c: u32,
    out_h: u32,
    out_w: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
    also_unused: u32,
    still_unused: u32,
}

#section window
// The window of a convolution as constants.
const KERNEL: u32 = 1u;
const STRIDE: u32 = 1u;
const PADDING: u32 = 0u;

#section fixed_geometry
// Sizes of a convolution as constants, so that divisions by them compile to multiplications and windows to straight lines of code.
#import lib/images.wgsl:layout
#import lib/images.wgsl:sizes
#import lib/images.wgsl:window

const IN_C: u32 = 1u;
const IN_H: u32 = 1u;
const IN_W: u32 = 1u;
const OUT_C: u32 = 1u;
const OUT_H: u32 = 1u;
const OUT_W: u32 = 1u;
const DEPTH: u32 = IN_C * KERNEL * KERNEL;
const PIXELS: u32 = OUT_H * OUT_W;

fn load_geometry() {}

#section sized
// Sizes of a convolution's images from the uniform block, where its window may be constants.
#import lib/images.wgsl:sizes
var<private> IN_C: u32;
var<private> IN_H: u32;
var<private> IN_W: u32;
var<private> OUT_C: u32;
var<private> OUT_H: u32;
var<private> OUT_W: u32;
var<private> DEPTH: u32;
var<private> PIXELS: u32;

fn load_sizes() {
    IN_C = params.sizes.in_c;
    IN_H = params.sizes.in_h;
    IN_W = params.sizes.in_w;
    OUT_C = params.sizes.out_c;
    OUT_H = params.sizes.out_h;
    OUT_W = params.sizes.out_w;
    DEPTH = IN_C * KERNEL * KERNEL;
    PIXELS = OUT_H * OUT_W;
}

#section geometry
// Sizes of a convolution: constants (lib/images.wgsl:fixed_geometry), or with ANY_SHAPE from the uniform block, so that one pipeline serves
// all sizes. A kernel has `sizes` in its Params, calls load_geometry() before it uses them, and names them as constants either way.
#import lib/images.wgsl:layout
#import lib/images.wgsl:sizes

#ifdef ANY_SHAPE
#import lib/images.wgsl:sized
var<private> KERNEL: u32;
var<private> STRIDE: u32;
var<private> PADDING: u32;

fn load_geometry() {
    KERNEL = params.sizes.kernel;
    STRIDE = params.sizes.stride;
    PADDING = params.sizes.padding;
    load_sizes();
}
#else
#import lib/images.wgsl:fixed_geometry
#endif

#section classes
// Pixels of a convolution's input by the taps that meet them: those of equal (y + padding) % stride and (x + padding) % stride, a class,
// meet the same taps i, j of the kernel, every stride-th one. Products of a class have no zeros in between.
#import lib/images.wgsl:geometry

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

#section per_thread
// The Values of a thread in elementwise kernels over images: PER_THREAD of one channel of a row (with channels last of the WIDTH channels
// of a Value), PIXELS / PER_THREAD pixels apart, so that what belongs to the channel is loaded once and neighbouring threads keep to
// neighbouring Values. For kernels that import lib/norms.wgsl:params.
#import lib/values.wgsl:value

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

#section slices
// Where the Values of a (row, group) of channels lie: one after another, or with channels last those of a group at each pixel.
// slice = row * groups + group.
#import lib/values.wgsl:value
#import lib/norms.wgsl:params

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
        let wide = max(CHANNELS / GROUPS / WIDTH, 1u);
        return (slice / GROUPS * PIXELS + i / wide) * (CHANNELS / WIDTH) + slice % GROUPS * wide + i % wide;
    }
    return slice * count + i;
}
