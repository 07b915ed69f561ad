// logits[row][c] = b2[c] + sum_h W2[c][h] * max(0, b1[h] + sum_k W1[h][k] * X[row][k]): a multilayer perceptron of one hidden layer in one
// launch, all weights perturbed while they are loaded. Hidden values stay in registers: each tile of them goes into the logits' sums at
// once, in ascending order, so the result has the bits of two linear layers.
// Dispatch: y = row tiles of the largest lane, z = lane; MEMBERS threads a tile (one team).
// LISTED: row r of the inputs is listed[x_row + r], so that rows which lanes read in an order of their own needn't be copied.
// Traffic of a tile: all weights once, K * TILE_COLUMNS floats in, classes * TILE_COLUMNS out.
// Some software drivers compile a kernel anew at each dispatch to put uniform loop bounds and conditions into it, which takes
// milliseconds: the zero, group.x, added to them keeps it from that.
#import lib/math.wgsl:rectify
#import lib/lanes.wgsl:lane
struct Params {
    inputs: u32,
    hidden: u32,
    classes: u32,
    // Flat indices of the tensors; a bias that isn't there is 0xffffffff.
    weight1: u32,
    bias1: u32,
    weight2: u32,
    bias2: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;
#ifdef LISTED
@group(0) @binding(5) var<storage, read> listed: array<u32>;
#endif
#import lib/values.wgsl:inputs
#import lib/shuffle.wgsl:tile

// Rows of W2 a thread loads: OUT_ROWS * SHARE >= classes.
const OUT_ROWS: u32 = 2u;
// Whether those of W2 are short (lib/weights.wgsl:signs).
const SHORT2: u32 = 0u;
// Quads of hidden values in a tile.
const QUADS: u32 = TILE_O * SHARE / 4u;

var<private> column: array<u32, TILE_Q>;
var<private> first_row: u32;
var<private> last_row: u32;

fn weight_row(o: u32) -> u32 {
    return params.weight1 + min(o, params.hidden - 1u) * params.inputs;
}
fn input_column(p: u32, q: u32) {
    let row = first_row + min(q, last_row);
#ifdef LISTED
    column[p] = listed[row] * params.inputs;
#else
    column[p] = row * params.inputs;
#endif
}
fn input_quad(p: u32, k: u32) -> vec4<f32> {
    return input_four(column[p] + k, params.inputs - k);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let inputs = params.inputs + group.x;
    let width = params.hidden + group.x;
    let classes = params.classes + group.x;
    let bias1 = params.bias1 + group.x;
    let bias2 = params.bias2 + group.x;
    let lane = lanes[group.z];
    let q0 = group.y * TILE_COLUMNS;
    if (q0 >= lane.rows) { return; }
    lane_key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    lane_coef = lane.coef;
    first_row = lane.x_row;
    last_row = lane.rows - 1u;
    let base = lane.weight_base;
    tile_columns(q0, thread);
    var row: array<u32, OUT_ROWS>;
    var signs: array<vec4<u32>, OUT_ROWS>;
    var out: array<array<array<f32, TILE_Q>, SHARE>, OUT_ROWS>;
    for (var g = 0u; g < OUT_ROWS; g++) {
        row[g] = params.weight2 + min(g * SHARE + thread % SHARE, classes - 1u) * width;
    }
    for (var o0 = 0u; o0 < width; o0 += TILE_ROWS) {
        // TILE_ROWS divides 128: the signs of W2's next 128 columns are made where such a run begins.
        if (PERTURB == 1u && (o0 & 127u) == 0u) {
            for (var g = 0u; g < OUT_ROWS; g++) { signs[g] = row_signs(row[g] + o0, SHORT2, thread % SHARE); }
        }
        var sums = tile_sums(o0, width, inputs, base, bias1, thread);
        // The tile's hidden values as quads along h.
        var hidden: array<array<vec4<f32>, TILE_Q>, QUADS>;
        for (var n = 0u; n < QUADS * 4u; n++) {
            for (var p = 0u; p < TILE_Q; p++) {
                hidden[n / 4u][p][n % 4u] = rectify(sums[n / SHARE][n % SHARE][p]);
            }
        }
        for (var quad = 0u; quad < QUADS; quad++) {
            let h = o0 + quad * 4u;
            if (h < width) {
                for (var g = 0u; g < OUT_ROWS; g++) {
                    let i = row[g] + h;
                    let sign = signs[g][(h >> 5u) & 3u] >> (h & 31u);
                    let own = masked(perturb_four(weight_four(base + i, width - h), i, sign), width - h);
                    for (var j = 0u; j < SHARE; j++) {
                        let w = shared_from(own, j);
                        for (var p = 0u; p < TILE_Q; p++) {
                            let v = hidden[quad][p];
                            out[g][j][p] = out[g][j][p] + v.x * w.x + v.y * w.y + v.z * w.z + v.w * w.w;
                        }
                    }
                }
            }
        }
    }
    for (var g = 0u; g < OUT_ROWS; g++) {
        var own = 0.0;
        if (bias2 != 0xffffffffu) {
            let i = bias2 + min(g * SHARE + thread % SHARE, classes - 1u);
            own = perturb_one(weight_at(base + i), i);
        }
        for (var j = 0u; j < SHARE; j++) {
            let bias = shared_one(own, j);
            let c = g * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                let q = q0 + p * MEMBERS + thread;
                if (q < lane.rows && c < classes) {
                    logits[(lane.row0 + q) * classes + c] = out[g][j][p] + bias;
                }
            }
        }
    }
}
