// Tile of sum_k W[o][k] * X[q][k], register-blocked; W is perturbed while it is loaded, once for each thread that loads it.
//
// A workgroup has TEAMS teams of LANES threads. A thread keeps the columns q0 + lane + p * LANES (p < TILE_Q) of its team's
// rows o0 + (team * TILE_O + f) * SHARE + j (f < TILE_O, j < SHARE). Four k at a time it loads its columns and, of each
// f, one row (j = lane); with SHARE > 1 a shuffle brings row j to the whole team, which is a subgroup then. Loads decide the speed:
// per k a thread loads TILE_Q + TILE_O floats for TILE_Q * TILE_O * SHARE products. The sum runs along k in ascending order.
//
// A kernel that imports this defines weight_row(o) -> flat index of a row and input_column(p, q) that notes column q in slot p, which
// both clamp, and input_quad(p, k) -> four elements of the column in slot p.
#import lib/share.wgsl
#import lib/weights.wgsl
#import lib/perturbed.wgsl

const LANES: u32 = 8u;
const TEAMS: u32 = 8u;
const SHARE: u32 = 1u;
const TILE_O: u32 = 8u;
const TILE_Q: u32 = 8u;
const THREADS: u32 = LANES * TEAMS;
const TILE_ROWS: u32 = TEAMS * TILE_O * SHARE;
const TILE_COLUMNS: u32 = LANES * TILE_Q;

// A thread's sums: [f][j][p].
alias Tile = array<array<array<f32, TILE_Q>, SHARE>, TILE_O>;

// The sums of rows first, first + 1, ... of a team for the columns in a thread's slots, `depth` products each; weights of the lane start
// at `base`. The bias at flat index bias_offset + o (o clamped below `rows`) is added, unless that is 0xffffffff.
fn tile_sums(first: u32, rows: u32, depth: u32, base: u32, bias_offset: u32, lane: u32) -> Tile {
    var acc: Tile;
    var row: array<u32, TILE_O>;
    var block: array<vec4<u32>, TILE_O>;
    var signs: array<vec4<u32>, TILE_O>;
    var x: array<vec4<f32>, TILE_Q>;
    for (var f = 0u; f < TILE_O; f++) {
        row[f] = weight_row(first + f * SHARE + lane % SHARE);
        if (PERTURB == 1u) { block[f] = sign_block(row[f] >> 7u); }
    }
    for (var far = 0u; far < depth; far += 128u) {
        if (PERTURB == 1u) {
            for (var f = 0u; f < TILE_O; f++) {
                let i = row[f] + far;
                let next = sign_block((i >> 7u) + 1u);
                signs[f] = sign_window(block[f], next, i & 127u);
                block[f] = next;
            }
        }
        let far_end = min(far + 128u, depth);
        for (var near = far; near < far_end; near += 32u) {
            let end = min(near + 32u, depth);
            for (var k = near; k < end; k += 4u) {
                for (var p = 0u; p < TILE_Q; p++) { x[p] = input_quad(p, k); }
                for (var f = 0u; f < TILE_O; f++) {
                    let i = row[f] + k;
                    // Beyond the row the inputs are 0, so a perturbed weight there adds nothing.
                    let own = perturb_four(weight_four(base + i, depth - k), i, signs[f].x >> (k & 31u));
                    for (var j = 0u; j < SHARE; j++) {
                        let w = shared_from(own, j);
                        for (var p = 0u; p < TILE_Q; p++) {
                            acc[f][j][p] = acc[f][j][p] + x[p].x * w.x + x[p].y * w.y + x[p].z * w.z + x[p].w * w.w;
                        }
                    }
                }
            }
            if (PERTURB == 1u) {
                for (var f = 0u; f < TILE_O; f++) { signs[f] = signs[f].yzwx; }
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
