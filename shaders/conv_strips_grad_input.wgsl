// dx[row][c][y][x] = sum over (o, i, j) of W[o][c][i][j] * dy[row][o][(y + padding - i) / stride][(x + padding - j) / stride] where the
// divisions leave no rest: itself a convolution, of dy, its pixels a stride apart, with the taps in reverse, by strips of pixels
// (lib/strips.wgsl:sums); the lane's own weights.
// Dispatch: x = input-channel tiles, y = MEMBERS threads' strips of the largest lane, z = lane; TEAMS * MEMBERS threads.
// Traffic of a thread: OUT_C * WINDOW_W * WINDOW_H floats in, and of weights OUT_C * TAPS * TILE_O; ACROSS * STRIPS * TILE_O * SHARE out.
#import lib/lanes.wgsl:lane
#import lib/images.wgsl:sizes
struct Params {
    sizes: Sizes,
    weight_offset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#import lib/strips.wgsl:sums
#import lib/strips.wgsl:store

const STEP: u32 = 1u;
const UP: u32 = STRIDE;
const MARGIN: u32 = KERNEL - 1u - PADDING;

fn weight_step() -> u32 {
    return DEPTH;
}
fn weight_row(c: u32) -> u32 {
    return params.weight_offset + min(c, IN_C - 1u) * TAPS;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    load_sizes();
    let lane = lanes[group.z];
    let q0 = group.y * MEMBERS;
    if (q0 >= lane.rows * strips_of(IN_H, IN_W)) { return; }
    let member = thread % MEMBERS;
    let first = group.x * TILE_ROWS + thread / MEMBERS * TEAM_ROWS;
    let place = place_of(q0 + member, lane.rows, IN_H, IN_W);
    var sums: Strips;
    let shape = vec3<u32>(OUT_C, OUT_H, OUT_W);
    add_strips(&sums, first, member % SHARE, lane.weight_base, shape, lane.row0 + place.sample, place);
    store_strips(lane.row0, place, first, IN_C, IN_H, IN_W, &sums);
}
