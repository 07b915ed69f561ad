// A weight's gradient by tiles in workgroup memory (lib/tiled.wgsl), summed over a lane's units (lib/parts.wgsl). Not split, a workgroup
// sums all of a lane's parts one after another, and goes on from what is there. PART_QUADS: only parts, rows of the product as they are, in
// whole quads.
//
// A kernel that imports this defines sum_rows() and sum_columns() of the product, and gradient_place(m, n) -> element within the weight.
#import lib/weight_sum.wgsl
#import lib/tiled.wgsl
#import lib/tiled_plain.wgsl

#ifdef PART_QUADS
@group(0) @binding(4) var<storage, read_write> part_quads: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
#endif

var<private> lane: Lane;
var<private> slot: u32;
var<private> k_end: u32;

// The workgroup's place.
fn begin_sum(group: vec3<u32>) -> Block {
    let work = work_of(params.cut, group.z, sum_rows() * sum_columns());
    lane = lanes[work.lane];
    slot = work.base + params.sum.offset;
    let any = work.first < work.end;
    let first = part_units(params.cut, lane.rows, work.first).x;
    k_end = select(first, part_units(params.cut, lane.rows, max(work.end, 1u) - 1u).y, any);
    // A part that isn't there has nothing to leave; a whole sum of nothing is 0.
    return Block(group.y * BLOCK_M, group.x * BLOCK_N, first, k_end, any || params.cut.parts == 0u);
}
// The lane's first row in X.
fn first_input() -> u32 {
    return select(lane.row0, lane.x_row, params.sum.from_batch == 1u);
}
#ifdef PART_QUADS
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    if (m < sum_rows() && n < sum_columns()) { part_quads[(slot + m * sum_columns() + n) / 4u] = sums; }
}
#else
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    var start = vec4<f32>();
    if (params.sum.accumulate == 1u && m < sum_rows()) {
        for (var e = 0u; e < 4u; e++) {
            if (n + e < sum_columns()) { start[e] = gradients[slot + gradient_place(m, n + e)]; }
        }
    }
    return start;
}
fn store_quad(m: u32, n: u32, sums: vec4<f32>) {
    for (var e = 0u; e < 4u; e++) {
        if (m < sum_rows() && n + e < sum_columns()) { gradients[slot + gradient_place(m, n + e)] = sums[e]; }
    }
}
#endif
