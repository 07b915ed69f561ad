// Convolutions by strips of four neighbouring pixels, for small windows on software adapters.

#section sums
// Sums of a convolution over strips of four neighbouring pixels: sum over channels c, then taps t of W[o][c][t] * X[c][window + t], in this
// order, as lib/shuffle.wgsl:tile adds them. A thread keeps STRIPS strips one below the other of its team's TILE_O * SHARE rows o: it reads
// its window's pixels once for all taps and rows, where an implicit matrix product reads them tap by tap. All taps of a channel are
// straight lines of code: for small windows. Of W a thread reads, of each f < TILE_O, one row's taps; shuffles bring them to its team.
// With QUADS image rows, before and after, are whole quads.
//
// A kernel that imports this defines, as constants or private variables, READ_C, READ_H and READ_W, the image that is read, MARGIN, zeros
// around it, and STEP, from a strip's pixel to the next; weight_row(o), the flat index of W[o][0][0], o clamped; and WEIGHT_STEP, from a
// channel's taps to the next one's: TAPS, where weights are perturbed.
#import lib/values.wgsl:value
#import lib/shuffle.wgsl:slots
#import lib/values.wgsl:weights
#import lib/weights.wgsl:signs
#operand @binding(3) image: Value

const STRIPS: u32 = 2u;
// 1: taps are taken from the last to the first.
const FLIPPED: u32 = 0u;
const TAPS: u32 = KERNEL * KERNEL;
// Rows of a thread's window.
const WINDOW_H: u32 = (STRIPS - 1u) * STEP + KERNEL;
#ifdef QUADS
// The window starts at a quad's first pixel, LEAD pixels early.
const LEAD: u32 = (4u - MARGIN % 4u) % 4u;
const WINDOW_W: u32 = (LEAD + 3u * STEP + KERNEL + 3u) / 4u * 4u;
#else
const LEAD: u32 = 0u;
const WINDOW_W: u32 = 3u * STEP + KERNEL;
#endif
// Quads in which a channel's taps lie, wherever they start.
const RUN: u32 = (TAPS + 6u) / 4u;
// Channels whose signs are made at a time.
const SIGNED: u32 = 128u / TAPS;

// A thread's sums: [f][j][strip][pixel].
alias Strips = array<array<array<array<f32, 4>, STRIPS>, SHARE>, TILE_O>;

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
    return (height + STRIPS - 1u) / STRIPS * ((width + 3u) / 4u);
}

fn place_of(q: u32, rows: u32, height: u32, width: u32) -> Place {
    let count = strips_of(height, width);
    let across = (width + 3u) / 4u;
    let inside = min(q, rows * count - 1u);
    let strip = inside % count;
    return Place(q, q < rows * count, inside / count, strip / across * STRIPS, strip % across * 4u);
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
    let one = (at & 1u) != 0u;
    let two = (at & 2u) != 0u;
    for (var n = 0u; n < TAPS + 2u; n++) { run[n] = select(run[n], run[n + 1u], one); }
    for (var n = 0u; n < TAPS; n++) {
        let t = select(n, TAPS - 1u - n, FLIPPED == 1u);
        (*w)[f][t] = select(run[n], run[n + 2u], two);
    }
    if (PERTURB == 1u) {
        let signs = tile_signs[f];
        for (var n = 0u; n < TAPS; n++) {
            (*w)[f][n] += select(-lane_coef, lane_coef, (signs[n / 32u] & (1u << (n % 32u))) != 0u);
        }
        tile_signs[f] = (signs >> vec4<u32>(TAPS)) | (vec4<u32>(signs.yzw, 0u) << vec4<u32>(32u - TAPS));
    }
    if (PERTURB > 1u) {
        for (var n = 0u; n < TAPS; n += 4u) {
            let e = elements_four(i + n);
            for (var m = 0u; m < min(TAPS - n, 4u); m++) { (*w)[f][n + m] += lane_coef * e[m]; }
        }
    }
}

// Adds the sums of rows first, first + 1, ... of a team; the window's top left pixel, margins included, lies at (top, left), which may be
// outside, of the image of sample `sample`. Weights of the lane start at `base`.
fn add_strips(acc: ptr<function, Strips>, first: u32, own: u32, base: u32, sample: u32, top: i32, left: i32) {
    var row: array<u32, TILE_O>;
    for (var f = 0u; f < TILE_O; f++) { row[f] = weight_row(first + f * SHARE + own); }
    var plane = i32(sample * READ_C * READ_H * READ_W) + top * i32(READ_W) + left;
    for (var far = 0u; far < READ_C; far += SIGNED) {
        if (PERTURB == 1u) {
            for (var f = 0u; f < TILE_O; f++) { tile_signs[f] = row_signs(row[f] + far * TAPS, SHORT, own); }
        }
        let end = min(far + SIGNED, READ_C);
        for (var c = far; c < end; c++) {
            var w: array<array<f32, TAPS>, TILE_O>;
            for (var f = 0u; f < TILE_O; f++) { load_taps(f, row[f] + c * WEIGHT_STEP, base, &w); }
            var x: array<array<f32, WINDOW_W>, WINDOW_H>;
            for (var r = 0u; r < WINDOW_H; r++) {
                let there = u32(top + i32(r)) < READ_H;
                for (var n = 0u; n < WINDOW_W; n += WIDTH) {
                    let inside = there && u32(left + i32(n)) < READ_W;
                    let i = select(0, plane + i32(r * READ_W + n), inside);
                    let v = to_quad(select(Value(), image_at(u32(i) / WIDTH), inside));
                    for (var e = 0u; e < WIDTH; e++) { x[r][n + e] = v[e]; }
                }
            }
            for (var f = 0u; f < TILE_O; f++) {
                for (var j = 0u; j < SHARE; j++) {
                    // One loop over the taps, as long as the array, so that a compiler unrolls it.
                    for (var t = 0u; t < TAPS; t++) {
                        let tap = shared_one(w[f][t], j);
                        for (var b = 0u; b < STRIPS; b++) {
                            for (var p = 0u; p < 4u; p++) {
                                let v = x[b * STEP + t / KERNEL][LEAD + p * STEP + t % KERNEL];
                                (*acc)[f][j][b][p] = (*acc)[f][j][b][p] + v * tap;
                            }
                        }
                    }
                }
            }
            plane += i32(READ_H * READ_W);
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
#import lib/images.wgsl:fixed_geometry
#import lib/conv.wgsl:uniforms
#import lib/strips.wgsl:sums

// 1: ReLU follows.
const RELU: u32 = 0u;

const READ_C: u32 = IN_C;
const READ_H: u32 = IN_H;
const READ_W: u32 = IN_W;
const STEP: u32 = STRIDE;
const MARGIN: u32 = PADDING;
const WEIGHT_STEP: u32 = TAPS;

fn weight_row(o: u32) -> u32 {
    return params.weight_offset + min(o, OUT_C - 1u) * DEPTH;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
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
    let top = i32(place.y * STRIDE) - i32(PADDING);
    let left = i32(place.x * STRIDE) - i32(PADDING + LEAD);
    var sums: Strips;
    add_strips(&sums, first, own, lane.weight_base, sample, top, left);
    for (var f = 0u; f < TILE_O; f++) {
        var loaded = 0.0f;
        if (params.bias_offset != 0xffffffffu) {
            let i = params.bias_offset + min(first + f * SHARE + own, OUT_C - 1u);
            loaded = perturb_one(weight_at(lane.weight_base + i), i);
        }
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
fn store_strip(at: u32, x: u32, width: u32, v: array<f32, 4>) {
#ifdef QUADS
    output[at >> 2u] = vec4<f32>(v[0], v[1], v[2], v[3]);
#else
    for (var p = 0u; p < 4u; p++) {
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
                if (place.exists && o < channels && place.y + b < height) {
                    store_strip(at + b * width, place.x, width, (*sums)[f][j][b]);
                }
            }
        }
    }
}
