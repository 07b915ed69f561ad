// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]) by strips of
// pixels (lib/strips.wgsl), W and b perturbed while they are loaded. The sums are those of lib/conv.wgsl, bit for bit. Channels lie first.
// Dispatch: x = output-channel tiles, y = MEMBERS threads' strips of the largest lane, z = lane; TEAMS * MEMBERS threads.
// Traffic of a thread: IN_C * WINDOW_W * WINDOW_H floats in, and of weights IN_C * TAPS * TILE_O; 4 * STRIPS * TILE_O * SHARE out.
//
// A kernel that imports this defines finish(lane, place, first, sums): `first` is the first of the team's channels, which may lie beyond
// OUT_C, and sums[f][j][b][p] the output of channel first + f * SHARE + j at row place.y + b, column place.x + p, which may lie outside.
#import lib/rectify.wgsl
#import lib/fixed_geometry.wgsl
#import lib/conv_uniforms.wgsl
#import lib/strips.wgsl

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
