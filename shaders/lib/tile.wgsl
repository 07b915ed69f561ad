// Tile of sum_k W[o][k] * X[q][k], register-blocked (lib/tile_step.wgsl); W is perturbed while it is loaded, once for each thread that
// loads it. Slot (f, j) of a team is row o0 + (team * TILE_O + f) * SHARE + j, slot p of a thread is column q0 + lane + p * LANES. The
// sum runs along k in ascending order.
//
// A kernel that imports this defines weight_row(o) -> flat index of a row and input_column(p, q) that notes column q in slot p, which
// both clamp, and input_quad(p, k) -> four elements of the column in slot p.
#import lib/tile_step.wgsl
#import lib/weights.wgsl
#import lib/perturbed.wgsl

var<private> tile_base: u32;
var<private> tile_depth: u32;
var<private> tile_row: array<u32, TILE_O>;
// Of the next 128 k, the 32 that come first in x.
var<private> tile_signs: array<vec4<u32>, TILE_O>;

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
fn tile_sums(first: u32, rows: u32, depth: u32, base: u32, bias_offset: u32, lane: u32) -> Tile {
    var acc: Tile;
    var block: array<vec4<u32>, TILE_O>;
    tile_base = base;
    tile_depth = depth;
    for (var f = 0u; f < TILE_O; f++) {
        tile_row[f] = weight_row(first + f * SHARE + lane % SHARE);
        if (PERTURB == 1u) { block[f] = sign_block(tile_row[f] >> 7u); }
    }
    for (var far = 0u; far < depth; far += 128u) {
        if (PERTURB == 1u) {
            for (var f = 0u; f < TILE_O; f++) {
                let i = tile_row[f] + far;
                let next = sign_block((i >> 7u) + 1u);
                tile_signs[f] = sign_window(block[f], next, i & 127u);
                block[f] = next;
            }
        }
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
        for (var f = 0u; f < TILE_O; f++) {
            let i = bias_offset + min(first + f * SHARE + lane % SHARE, rows - 1u);
            let own = perturb_one(weight_at(base + i), i);
            for (var j = 0u; j < SHARE; j++) {
                let bias = shared_one(own, j);
                for (var p = 0u; p < TILE_Q; p++) { acc[f][j][p] += bias; }
            }
        }
    }
    return acc;
}

// Notes a thread's columns q0 + lane, q0 + lane + LANES, ...
fn tile_columns(q0: u32, lane: u32) {
    for (var p = 0u; p < TILE_Q; p++) {
        input_column(p, q0 + p * LANES + lane);
    }
}
