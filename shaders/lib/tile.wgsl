// Tile of sum_k W[o][k] * X[q][k], register-blocked (lib/tile_step.wgsl); W is perturbed while it is loaded, once for each thread that
// loads it. Slot (f, j) of a team is row o0 + (team * TILE_O + f) * SHARE + j, slot p of a thread is column q0 + member + p * MEMBERS. The
// sum runs along k in ascending order.
//
// A kernel that imports this defines weight_row(o) -> flat index of a row, the rows one after another, and input_column(p, q) that notes
// column q in slot p, which both clamp, and input_quad(p, k) -> four elements of the column in slot p.
#import lib/tile_step.wgsl
#import lib/weights.wgsl
#import lib/tile_signs.wgsl

var<private> tile_base: u32;
var<private> tile_depth: u32;

fn tile_load(k: u32) {
    for (var p = 0u; p < TILE_Q; p++) { tile_x[p] = input_quad(p, k); }
}
fn tile_row_quad(f: u32, k: u32) -> vec4<f32> {
    let i = tile_row[f] + k;
    // Beyond the row the inputs are 0, so a perturbed weight there adds nothing.
    return perturb_four(weight_four(tile_base + i, tile_depth - k), i, tile_signs[f].x >> (k & 31u));
}

// The sums of rows first, first + 1, ... of a team for the columns in a thread's slots, `depth` products each; weights of the lane start
// at `base`. The bias at flat index bias_offset + o (o clamped below `rows`) is added, unless that is 0xffffffff.
fn tile_sums(first: u32, rows: u32, depth: u32, base: u32, bias_offset: u32, member: u32) -> Tile {
    var acc: Tile;
    let own = member % SHARE;
    tile_base = base;
    tile_depth = depth;
    for (var f = 0u; f < TILE_O; f++) { tile_row[f] = weight_row(first + f * SHARE + own); }
    if (PERTURB == 1u) { start_signs(bias_offset + first, own); }
    for (var far = 0u; far < depth; far += 128u) {
        if (PERTURB == 1u) { next_signs(far); }
        let far_end = min(far + 128u, depth);
        for (var near = far; near < far_end; near += 32u) {
            let end = min(near + 32u, depth);
            for (var k = near; k < end; k += 4u) { tile_step(&acc, k); }
            if (PERTURB == 1u) {
                for (var f = 0u; f < TILE_O; f++) { tile_signs[f] = tile_signs[f].yzwx; }
            }
        }
    }
    if (bias_offset != 0xffffffffu) {
        if (PERTURB == 1u) { start_bias_signs(bias_offset + first, own); }
        for (var f = 0u; f < TILE_O; f++) {
            let i = bias_offset + min(first + f * SHARE + own, rows - 1u);
            let loaded = perturb_bias(weight_at(base + i), i, bias_offset + first);
            for (var j = 0u; j < SHARE; j++) {
                let bias = shared_one(loaded, j);
                for (var p = 0u; p < TILE_Q; p++) { acc[f][j][p] += bias; }
            }
        }
    }
    return acc;
}

// Notes a thread's columns q0 + member, q0 + member + MEMBERS, ...
fn tile_columns(q0: u32, member: u32) {
    for (var p = 0u; p < TILE_Q; p++) {
        input_column(p, q0 + p * MEMBERS + member);
    }
}
