// Y[row][y][x][o] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][y * stride + i - padding][x * stride + j - padding][c]), channels last,
// W and b perturbed, by tiles in workgroup memory (lib/tiled.wgsl): rows of a tile are pixels (row, y, x), its columns output channels, the
// sum in the order of lib/slabs.wgsl.
// Dispatch: x = output-channel tiles, y = pixel tiles of the largest lane, z = lane. Traffic of a tile: DEPTH * (BLOCK_M + BLOCK_N) floats
// in, BLOCK_M * BLOCK_N out.
// IN_QUADS: channels of X are whole quads; QUADS: those of Y.
const A_ALONG_K: u32 = 1u;
const B_ALONG_K: u32 = 1u;
#import lib/conv_params.wgsl
#import lib/slabs.wgsl
#import lib/tiled.wgsl
#import lib/tiled_signs.wgsl
#import lib/tiled_rows.wgsl
#operand @binding(2) weights: f32
#ifdef IN_QUADS
#operand @binding(3) inputs: vec4<f32>
#else
#operand @binding(3) inputs: f32
#endif

var<private> lane: Lane;
var<private> n0: u32;
// Of the thread's quads: a pixel's sample in X and the top left corner of its window, which may lie outside; where a channel's weights
// begin, its column in the tile; their k of a slice.
var<private> a_sample: array<u32, A_QUADS>;
var<private> a_y: array<i32, A_QUADS>;
var<private> a_x: array<i32, A_QUADS>;
var<private> a_k: array<u32, A_QUADS>;
var<private> b_row: array<u32, B_QUADS>;
var<private> b_column: array<u32, B_QUADS>;
var<private> b_k: array<u32, B_QUADS>;

// Weights of a slab.
fn span() -> u32 {
    return slab_of(IN_C) * KERNEL * KERNEL;
}

fn begin(group: vec3<u32>) -> Block {
    load_geometry();
    lane = lanes[group.z];
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    n0 = group.x * BLOCK_N;
    let m0 = group.y * BLOCK_M;
    return Block(m0, n0, 0u, DEPTH, m0 < lane.rows * PIXELS);
}
fn a_start(i: u32, m: u32, k: u32) {
    let inside = min(m, lane.rows * PIXELS - 1u);
    let pixel = inside % PIXELS;
    let first = select(lane.row0, lane.x_row, params.from_batch == 1u);
    a_sample[i] = (first + inside / PIXELS) * (IN_C * IN_H * IN_W);
    a_y[i] = i32(pixel / OUT_W * STRIDE) - i32(PADDING);
    a_x[i] = i32(pixel % OUT_W * STRIDE) - i32(PADDING);
    a_k[i] = k;
}
// Index in X of term k of quad i's pixel; the largest one where it lies outside.
fn input_place(i: u32, k: u32) -> u32 {
    let term = term_of(k, IN_C, KERNEL * KERNEL);
    let y = u32(a_y[i] + i32(term.tap / KERNEL));
    let x = u32(a_x[i] + i32(term.tap % KERNEL));
    let place = a_sample[i] + (y * IN_W + x) * IN_C + term.channel;
    return select(0xffffffffu, place, k < DEPTH && y < IN_H && x < IN_W);
}
#ifdef IN_QUADS
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let place = input_place(i, k + a_k[i]);
    let inside = place != 0xffffffffu;
    return select(vec4<f32>(), inputs_at(select(0u, place / 4u, inside)), inside);
}
#else
fn input_one(i: u32, k: u32) -> f32 {
    let place = input_place(i, k);
    let inside = place != 0xffffffffu;
    return select(0.0f, inputs_at(select(0u, place, inside)), inside);
}
fn a_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + a_k[i];
    return vec4<f32>(input_one(i, at), input_one(i, at + 1u), input_one(i, at + 2u), input_one(i, at + 3u));
}
#endif
fn b_start(i: u32, n: u32, k: u32) {
    b_row[i] = params.weight_offset + min(n, OUT_C - 1u) * DEPTH;
    b_column[i] = n - n0;
    b_k[i] = k;
}
// Flat indices of terms k to k + 4 of quad i's channel; those beyond the last are the last.
fn weight_places(i: u32, k: u32) -> vec4<u32> {
#ifdef IN_QUADS
    let term = term_of(min(k, DEPTH - 4u), IN_C, KERNEL * KERNEL);
    return vec4<u32>(b_row[i] + term.channel * KERNEL * KERNEL + term.tap) + vec4<u32>(0u, 1u, 2u, 3u) * (KERNEL * KERNEL);
#else
    var places: vec4<u32>;
    for (var e = 0u; e < 4u; e++) {
        let term = term_of(min(k + e, DEPTH - 1u), IN_C, KERNEL * KERNEL);
        places[e] = b_row[i] + term.channel * KERNEL * KERNEL + term.tap;
    }
    return places;
#endif
}
fn b_load(i: u32, k: u32) -> vec4<f32> {
    let at = k + b_k[i];
    let place = vec4<u32>(lane.weight_base) + weight_places(i, at);
    let quad = vec4<f32>(weights_at(place.x), weights_at(place.y), weights_at(place.z), weights_at(place.w));
    return select(vec4<f32>(), quad, vec4<u32>(at, at + 1u, at + 2u, at + 3u) < vec4<u32>(DEPTH));
}
fn slice(k: u32, t: u32) {
    if (PERTURB == 1u && SIGN_SPAN > 0u && k % span() == 0u) {
        make_signs(params.weight_offset + n0 * DEPTH + k, DEPTH, OUT_C - n0, t);
    }
}
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    if (PERTURB == 0u) { return quad; }
    let place = weight_places(i, k + b_k[i]);
    if (PERTURB == 1u && SIGN_SPAN > 0u) {
        let first = b_row[i] + k / span() * span();
        let n = b_column[i];
        let signs = vec4<u32>(
            sign_bit(n, place.x, first), sign_bit(n, place.y, first), sign_bit(n, place.z, first), sign_bit(n, place.w, first),
        );
        return quad + select(vec4<f32>(-lane_coef), vec4<f32>(lane_coef), signs == vec4<u32>(1u));
    }
    return vec4<f32>(
        perturb_one(quad.x, place.x), perturb_one(quad.y, place.y), perturb_one(quad.z, place.z), perturb_one(quad.w, place.w),
    );
}
fn column_quad(n: u32) -> vec4<f32> {
    var bias = vec4<f32>();
    if (params.bias_offset != 0xffffffffu) {
        for (var e = 0u; e < 4u; e++) {
            let i = params.bias_offset + min(n + e, OUT_C - 1u);
            bias[e] = perturb_one(weights_at(lane.weight_base + i), i);
        }
    }
    return bias;
}
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m >= lane.rows * PIXELS || n >= OUT_C) { return; }
    let at = (lane.row0 * PIXELS + m) * OUT_C + n;
    let y = select(sums, vec4<f32>(rectify(sums.x), rectify(sums.y), rectify(sums.z), rectify(sums.w)), relu());
#ifdef QUADS
    output[at / 4u] = y;
#else
    for (var e = 0u; e < 4u; e++) {
        if (n + e < OUT_C) { output[at + e] = y[e]; }
    }
#endif
}
