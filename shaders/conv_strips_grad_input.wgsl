// dx[row][c][y][x] = sum over (o, i, j) of W[o][c][i][j] * dy[row][o][y + padding - i][x + padding - j], the gradient of a convolution of
// stride 1: itself a convolution, of dy with the taps in reverse, by strips of pixels (lib/strips.wgsl:sums); the lane's own weights.
// Dispatch: x = input-channel tiles, y = MEMBERS threads' strips of the largest lane, z = lane; TEAMS * MEMBERS threads.
// Traffic of a thread: OUT_C * WINDOW_W * WINDOW_H floats in, and of weights OUT_C * TAPS * TILE_O; 4 * STRIPS * TILE_O * SHARE out.
#import lib/lanes.wgsl:lane
#import lib/images.wgsl:fixed_geometry
struct Params {
    sizes: Sizes,
    weight_offset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#import lib/strips.wgsl:sums
#import lib/strips.wgsl:store

const READ_C: u32 = OUT_C;
const READ_H: u32 = OUT_H;
const READ_W: u32 = OUT_W;
const STEP: u32 = 1u;
const MARGIN: u32 = KERNEL - 1u - PADDING;
const WEIGHT_STEP: u32 = DEPTH;

fn weight_row(c: u32) -> u32 {
    return params.weight_offset + min(c, IN_C - 1u) * TAPS;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = lanes[group.z];
    let q0 = group.y * MEMBERS;
    if (q0 >= lane.rows * strips_of(IN_H, IN_W)) { return; }
    let member = thread % MEMBERS;
    let first = group.x * TILE_ROWS + thread / MEMBERS * TEAM_ROWS;
    let place = place_of(q0 + member, lane.rows, IN_H, IN_W);
    let top = i32(place.y) - i32(MARGIN);
    let left = i32(place.x) - i32(MARGIN + LEAD);
    var sums: Strips;
    add_strips(&sums, first, member % SHARE, lane.weight_base, lane.row0 + place.sample, top, left);
    store_strips(lane.row0, place, first, IN_C, IN_H, IN_W, &sums);
}
