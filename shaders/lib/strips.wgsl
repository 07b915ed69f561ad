// Convolutions by strips of neighbouring pixels, for small windows on software adapters.

#section sums
// Sums of a convolution over strips of 4 * UP neighbouring pixels: sum over channels c, then taps t of W[o][c][t] * X[c][window + t], in
// this order, as lib/shuffle.wgsl:tile adds them. With UP above 1 the pixels of X are UP apart, zeros in between, as the gradient of a
// stride has them: products with these are left out when the kernel is built. A thread keeps STRIPS strips one below the other of its
// team's TILE_O * SHARE rows o: it reads its window's pixels once for all taps and rows, where an implicit matrix product reads them tap by
// tap. All taps of a channel are straight lines of code: for small windows. Sizes of images come from the uniform block: all layers of a
// window share a pipeline, which is long to compile. Of W a thread reads, of each f < TILE_O, one row's taps; shuffles bring them to its
// team. With QUADS image rows, before and after, are whole quads.
//
// A kernel that imports this defines, as constants, MARGIN, zeros around what is read, STEP, from a strip's pixel to the next, and UP, 1 or
// where STEP is 1 a divisor of STRIPS; weight_row(o), the flat index of W[o][0][0], o clamped; and weight_step(), from a channel's taps to
// the next one's: TAPS, where weights are perturbed.
#import lib/images.wgsl:window
#import lib/images.wgsl:sized
#import lib/values.wgsl:value
#import lib/shuffle.wgsl:slots
#import lib/values.wgsl:weights
#import lib/weights.wgsl:signs
#operand @binding(3) image: Value

const STRIPS: u32 = 2u;
// Rows and columns of what is read where a thread's strips are as high or as wide as the image, else 0: what lies outside is then known
// when the kernel is built.
const WHOLE_H: u32 = 0u;
const WHOLE_W: u32 = 0u;
// 1: taps are taken from the last to the first.
const FLIPPED: u32 = 0u;
const TAPS: u32 = KERNEL * KERNEL;
// Pixels of a strip.
const ACROSS: u32 = 4u * UP;
// Zeros before the window's first pixel that belong to it; rows and pixels of a thread's window.
const SKIPPED: u32 = MARGIN % UP;
const WINDOW_H: u32 = ((STRIPS - 1u) * STEP + KERNEL - 1u - SKIPPED) / UP + 1u;
const WINDOW: u32 = ((ACROSS - 1u) * STEP + KERNEL - 1u - SKIPPED) / UP + 1u;
#ifdef QUADS
// It is read from a quad's first pixel on, LEAD pixels early.
const LEAD: u32 = (4u - MARGIN / UP % 4u) % 4u;
const WINDOW_W: u32 = (LEAD + WINDOW + 3u) / 4u * 4u;
#else
const LEAD: u32 = 0u;
const WINDOW_W: u32 = WINDOW;
#endif
// Quads in which a channel's taps lie, wherever they start.
const RUN: u32 = (TAPS + 6u) / 4u;
// Channels whose signs are made at a time.
const SIGNED: u32 = 128u / TAPS;

// A thread's sums: [f][j][strip][pixel].
alias Strips = array<array<array<array<f32, ACROSS>, STRIPS>, SHARE>, TILE_O>;

// Where a thread's strips lie in an image of so many rows and columns: the sample, counted from the lane's first, and the first strip's
// first pixel. Strips that don't exist are those of the last one.
struct Place {
    // Of the lane's strips; beyond them where the thread has none.
    q: u32,
    exists: bool,
    sample: u32,
    y: u32,
    x: u32,
}

fn strips_of(height: u32, width: u32) -> u32 {
    return (height + STRIPS - 1u) / STRIPS * ((width + ACROSS - 1u) / ACROSS);
}

fn place_of(q: u32, rows: u32, height: u32, width: u32) -> Place {
    let count = strips_of(height, width);
    let across = (width + ACROSS - 1u) / ACROSS;
    let inside = min(q, rows * count - 1u);
    let strip = inside % count;
    return Place(q, q < rows * count, inside / count, strip / across * STRIPS, strip % across * ACROSS);
}

// The channel's taps of the row in slot f, whose first is flat index i, into w.
fn load_taps(f: u32, i: u32, base: u32, w: ptr<function, array<array<f32, TAPS>, TILE_O>>) {
    let at = base + i;
    // Behind a row's last quad nothing is read.
    let last = (at + TAPS - 1u) >> 2u;
    var run: array<f32, RUN * 4u>;
    for (var n = 0u; n < RUN; n++) {
        let quad = weight_quads_at(min((at >> 2u) + n, last));
        for (var e = 0u; e < 4u; e++) { run[n * 4u + e] = quad[e]; }
    }
    for (var n = 0u; n < TAPS + 2u; n++) { run[n] = select(run[n], run[n + 1u], (at & 1u) != 0u); }
    for (var n = 0u; n < TAPS; n++) {
        let t = select(n, TAPS - 1u - n, FLIPPED == 1u);
        (*w)[f][t] = select(run[n], run[n + 2u], (at & 2u) != 0u);
    }
    if (PERTURB == 1u) {
        let signs = tile_signs[f];
        for (var n = 0u; n < TAPS; n++) {
            (*w)[f][n] += select(-lane_coef, lane_coef, (signs[n / 32u] & (1u << (n % 32u))) != 0u);
        }
        tile_signs[f] = (signs >> vec4<u32>(TAPS)) | (vec4<u32>(signs.yzw, 0u) << vec4<u32>(32u - TAPS));
    }
    for (var n = 0u; PERTURB > 1u && n < TAPS; n += 4u) {
        let e = elements_four(i + n);
        for (var m = 0u; m < min(TAPS - n, 4u); m++) { (*w)[f][n + m] += lane_coef * e[m]; }
    }
}

// The first row or column that the pixel at `at` meets.
fn window_start(at: u32) -> i32 {
    return i32(at * STEP / UP) - i32(MARGIN / UP);
}

// Adds the sums of rows first, first + 1, ... of a team at `place`, over sample `sample` of what is read, of so many channels, rows and
// columns. Weights of the lane start at `base`.
fn add_strips(acc: ptr<function, Strips>, first: u32, own: u32, base: u32, shape: vec3<u32>, sample: u32, place: Place) {
    // The window's top left pixel, margins included, which may lie outside.
    let top = select(window_start(place.y), window_start(0u), WHOLE_H > 0u);
    let left = select(window_start(place.x), window_start(0u), WHOLE_W > 0u) - i32(LEAD);
    let size = vec2<u32>(select(shape.y, WHOLE_H, WHOLE_H > 0u), select(shape.z, WHOLE_W, WHOLE_W > 0u));
    var row: array<u32, TILE_O>;
    for (var f = 0u; f < TILE_O; f++) { row[f] = weight_row(first + f * SHARE + own); }
    var plane = i32(sample * shape.x * size.x * size.y) + top * i32(size.y) + left;
    for (var far = 0u; far < shape.x; far += SIGNED) {
        if (PERTURB == 1u) {
            for (var f = 0u; f < TILE_O; f++) { tile_signs[f] = row_signs(row[f] + far * TAPS, SHORT, own); }
        }
        for (var c = far; c < min(far + SIGNED, shape.x); c++) {
            var w: array<array<f32, TAPS>, TILE_O>;
            for (var f = 0u; f < TILE_O; f++) { load_taps(f, row[f] + c * weight_step(), base, &w); }
            var x: array<array<f32, WINDOW_W>, WINDOW_H>;
            for (var r = 0u; r < WINDOW_H; r++) {
                let there = u32(top + i32(r)) < size.x;
                for (var n = 0u; n < WINDOW_W; n += WIDTH) {
                    let inside = there && u32(left + i32(n)) < size.y;
                    let i = select(0, plane + i32(r * size.y + n), inside);
                    let v = to_quad(select(Value(), image_at(u32(i) / WIDTH), inside));
                    for (var e = 0u; e < WIDTH; e++) { x[r][n + e] = v[e]; }
                }
            }
            for (var f = 0u; f < TILE_O; f++) {
                for (var j = 0u; j < SHARE; j++) {
                    // As long as the array, so that a compiler unrolls it.
                    for (var t = 0u; t < TAPS; t++) {
                        let tap = shared_one(w[f][t], j);
                        for (var b = 0u; b < STRIPS; b++) {
                            for (var p = 0u; p < ACROSS; p++) {
                                let at = vec2<u32>(b, p) * STEP + vec2<u32>(t / KERNEL, t % KERNEL);
                                if (all((at + (UP - 1u) * MARGIN) % UP == vec2<u32>())) {
                                    let met = (at - SKIPPED) / UP;
                                    (*acc)[f][j][b][p] = (*acc)[f][j][b][p] + x[met.x][LEAD + met.y] * tap;
                                }
                            }
                        }
                    }
                }
            }
            plane += i32(size.x * size.y);
        }
    }
}

#section forward
// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]) by strips of
// pixels (lib/strips.wgsl:sums), W and b perturbed while they are loaded. The sums are those of lib/conv.wgsl:forward, bit for bit.
// Channels lie first.
// Dispatch: x = output-channel tiles, y = MEMBERS threads' strips of the largest lane, z = lane; TEAMS * MEMBERS threads.
// Traffic of a thread: IN_C * WINDOW_W * WINDOW_H floats in, and of weights IN_C * TAPS * TILE_O; 4 * STRIPS * TILE_O * SHARE out.
//
// A kernel that imports this defines finish(lane, place, first, sums): `first` is the first of the team's channels, which may lie beyond
// OUT_C, and sums[f][j][b][p] the output of channel first + f * SHARE + j at row place.y + b, column place.x + p, which may lie outside.
#import lib/math.wgsl:rectify
#import lib/conv.wgsl:uniforms
#import lib/strips.wgsl:sums

// 1: ReLU follows.
const RELU: u32 = 0u;

const STEP: u32 = STRIDE;
const UP: u32 = 1u;
const MARGIN: u32 = PADDING;

fn weight_step() -> u32 {
    return TAPS;
}
fn weight_row(o: u32) -> u32 {
    return params.weight_offset + min(o, OUT_C - 1u) * DEPTH;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    load_sizes();
    let lane = lanes[group.z];
    let q0 = group.y * MEMBERS;
    if (q0 >= lane.rows * strips_of(OUT_H, OUT_W)) { return; }
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    let member = thread % MEMBERS;
    let own = member % SHARE;
    let first = group.x * TILE_ROWS + thread / MEMBERS * TEAM_ROWS;
    let place = place_of(q0 + member, lane.rows, OUT_H, OUT_W);
    let sample = select(lane.row0, lane.x_row, params.from_batch == 1u) + place.sample;
    var sums: Strips;
    add_strips(&sums, first, own, lane.weight_base, vec3<u32>(IN_C, IN_H, IN_W), sample, place);
    for (var f = 0u; f < TILE_O; f++) {
        var loaded = 0.0f;
        let i = params.bias_offset + min(first + f * SHARE + own, OUT_C - 1u);
        if (params.bias_offset != 0xffffffffu) { loaded = perturb_one(weight_at(lane.weight_base + i), i); }
        for (var j = 0u; j < SHARE; j++) {
            let bias = shared_one(loaded, j);
            for (var b = 0u; b < STRIPS; b++) {
                for (var p = 0u; p < 4u; p++) {
                    let sum = sums[f][j][b][p] + bias;
                    sums[f][j][b][p] = select(sum, rectify(sum), RELU == 1u);
                }
            }
        }
    }
    finish(lane, place, first, &sums);
}

#section store
// Strips of pixels into the output, [row][channel][y][x], as quads where rows are whole quads.
#ifdef QUADS
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
#endif

// Strip b of a thread; `at` is its first pixel's place.
fn store_strip(at: u32, x: u32, width: u32, v: array<f32, ACROSS>) {
#ifdef QUADS
    for (var p = 0u; p < ACROSS; p += 4u) {
        if (x + p < width) { output[(at + p) >> 2u] = vec4<f32>(v[p], v[p + 1u], v[p + 2u], v[p + 3u]); }
    }
#else
    for (var p = 0u; p < ACROSS; p++) {
        if (x + p < width) { output[at + p] = v[p]; }
    }
#endif
}

// All strips of a thread, of channels first, first + 1, ... below `channels`, of samples from row `row0` on.
fn store_strips(row0: u32, place: Place, first: u32, channels: u32, height: u32, width: u32, sums: ptr<function, Strips>) {
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            let at = (((row0 + place.sample) * channels + o) * height + place.y) * width + place.x;
            for (var b = 0u; b < STRIPS; b++) {
                let inside = place.exists && o < channels && place.y + b < height;
                if (inside) { store_strip(at + b * width, place.x, width, (*sums)[f][j][b]); }
            }
        }
    }
}
