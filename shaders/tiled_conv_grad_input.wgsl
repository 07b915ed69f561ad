// dx[row][y][x][c] = sum over (o, i, j) of W[o][c][i][j] * dy[row][(y + padding - i) / stride][(x + padding - j) / stride][o] where the
// divisions leave no rest, channels last, with the lane's weights in the order of lib/tiled_weights.wgsl:order, by tiles in workgroup
// memory (lib/tiled.wgsl:product): rows of a tile are pixels (row, y, x) of a class (lib/images.wgsl:classes), its columns channels c; the
// sum goes over the class's taps in the order of lib/tiled_weights.wgsl:slabs.
// Dispatch: x = input-channel tiles x classes, y = tiles of a class's pixels of the largest lane, z = lane. Traffic of a tile:
// the class's taps * OUT_C * (BLOCK_M + BLOCK_N) floats in, BLOCK_M * BLOCK_N out.
// IN_QUADS: channels of dy are whole quads; QUADS: those of dx.
const A_ALONG_K: u32 = 1u;
const B_ALONG_K: u32 = 0u;
#import lib/lanes.wgsl:lane
#import lib/images.wgsl:geometry
#import lib/images.wgsl:classes
#import lib/tiled_weights.wgsl:slabs
#import lib/tiled.wgsl:product
#import lib/tiled.wgsl:rows
#import lib/tiled_weights.wgsl:plain
// The inputs of this product are dy.
#import lib/tiled.wgsl:inputs
// As they lie in the vector: bound for who computes this otherwise.
#operand @binding(2) weights: f32
@group(0) @binding(5) var<storage, read> tile_copies: array<vec4<f32>>;

struct Params {
    sizes: Sizes,
    // What this reads of the weights is a copy.
    weight_offset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

const OWN_WEIGHTS: u32 = 0u;

var<private> lane: Lane;
var<private> lane_index: u32;
var<private> family: Class;
// Taps of the class, and terms of its sums.
var<private> taps: u32;
var<private> depth: u32;
// Of the thread's quads: the place in dy that the class's first tap meets, and its index; the first of four channels; their k of a slice.
var<private> a_corner: array<u32, A_QUADS>;
var<private> a_y: array<u32, A_QUADS>;
var<private> a_x: array<u32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_channel: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

fn begin(group: vec3<u32>) -> Block {
    load_geometry();
    lane = lanes[group.z];
    lane_index = group.z;
    family = class_of(group.x % (STRIDE * STRIDE));
    taps = family.taps.x * family.taps.y;
    depth = taps * OUT_C;
    let m0 = group.y * BLOCK_M;
    let n0 = group.x / (STRIDE * STRIDE) * BLOCK_N;
    return Block(m0, n0, 0u, depth, m0 < lane.rows * family.size.x * family.size.y);
}
// Sample of the lane and place in the class of a row of the tile.
fn pixel_of(m: u32) -> vec3<u32> {
    let inside = min(m, lane.rows * family.size.x * family.size.y - 1u);
    let pixel = inside % (family.size.x * family.size.y);
    return vec3<u32>(inside / (family.size.x * family.size.y), pixel / family.size.y, pixel % family.size.y);
}
fn a_start(i: u32, m: u32, k: u32) {
    let pixel = pixel_of(m);
    a_y[i] = family.start.x + pixel.y;
    a_x[i] = family.start.y + pixel.z;
    a_corner[i] = (((lane.row0 + pixel.x) * OUT_H + a_y[i]) * OUT_W + a_x[i]) * OUT_C;
    a_k[i] = k;
}
fn input_place(i: u32, k: u32, e: u32) -> u32 {
    let term = term_within(k, a_k[i] + e, OUT_C, max(taps, 1u));
    let across = max(family.taps.y, 1u);
    let y = term.tap / across;
    let x = term.tap % across;
    // Places before the first one wrap around to large ones.
    let inside = a_y[i] - y < OUT_H && a_x[i] - x < OUT_W && k + a_k[i] + e < depth;
    return select(OUTSIDE, a_corner[i] - (y * OUT_W + x) * OUT_C + term.channel, inside);
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    return input_piece(i, k);
}
fn b_start(i: u32, n: u32, k: u32) {
    b_channel[i] = n;
    b_k[i] = k;
}
// Rows of the copies go over all taps.
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let inside = k + b_k[i] < depth;
    let term = term_within(k, b_k[i], OUT_C, max(taps, 1u));
    let across = max(family.taps.y, 1u);
    let tap = vec2<u32>(term.tap / across, term.tap % across) * STRIDE + family.first_tap;
    let slab = slab_of(OUT_C);
    let row = term.channel / slab * (slab * KERNEL * KERNEL) + (tap.x * KERNEL + tap.y) * slab + term.channel % slab;
    let quads = (IN_C + 3u) / 4u;
    let first = (lane_index * OWN_WEIGHTS * OUT_C * KERNEL * KERNEL + select(0u, row, inside)) * quads;
    return select(vec4<f32>(), tile_copies[first + min(b_channel[i] / 4u, quads - 1u)], inside);
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows * family.size.x * family.size.y || n >= IN_C) { return; }
    let pixel = pixel_of(m);
    let place = family.first_pixel + pixel.yz * STRIDE;
    let at = (((lane.row0 + pixel.x) * IN_H + place.x) * IN_W + place.y) * IN_C + n;
    store_row(at, n, IN_C, sums);
}
