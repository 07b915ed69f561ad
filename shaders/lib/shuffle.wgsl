// The way `shuffle` of computing a product: tiles in registers, rows shared by subgroup shuffles or kept by each thread.

#section slots
// The tile of a register-blocked matrix product: sum_k A[o][k] * B[q][k].
//
// A workgroup has TEAMS teams of MEMBERS threads. A thread keeps TILE_Q columns q of its team's TILE_O * SHARE rows o. Four k at a time it
// loads its columns and, of each f < TILE_O, one row (j = member % SHARE); with SHARE > 1 a shuffle brings row j to the whole team, which
// is a subgroup then. Loads decide the speed: per k a thread loads TILE_Q + TILE_O floats for TILE_Q * TILE_O * SHARE products.
// Which row and column of the matrices slot (f, j) and p stand for is the kernel's choice.

const MEMBERS: u32 = 8u;
const TEAMS: u32 = 8u;
const SHARE: u32 = 1u;
const TILE_O: u32 = 8u;
const TILE_Q: u32 = 8u;
const THREADS: u32 = MEMBERS * TEAMS;
const TEAM_ROWS: u32 = TILE_O * SHARE;
const TILE_ROWS: u32 = TEAMS * TEAM_ROWS;
const TILE_COLUMNS: u32 = MEMBERS * TILE_Q;

// A thread's sums: [f][j][p].
alias Tile = array<array<array<f32, TILE_Q>, SHARE>, TILE_O>;

// Thread j of a team hands its quad to all of them: SHARE is the size of the subgroup that the team is. In the core tier a thread shares
// nothing; it computes with the rows that it loaded itself (SHARE 1).
#ifdef SUBGROUP
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return subgroupShuffle(own, j);
}
fn shared_one(own: f32, j: u32) -> f32 {
    return subgroupShuffle(own, j);
}
#else
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return own;
}
fn shared_one(own: f32, j: u32) -> f32 {
    return own;
}
#endif

#section step
// Four k of a tile's products (lib/shuffle.wgsl:slots).
//
// A kernel defines tile_load(k), which puts elements k to k + 4 of the thread's columns into tile_x, and tile_row_quad(f, k) -> those of
// its row in slot f.
#import lib/shuffle.wgsl:slots

var<private> tile_x: array<vec4<f32>, TILE_Q>;

// Adds the products of k to k + 4, in ascending order.
fn tile_step(sums: ptr<function, Tile>, k: u32) {
    tile_load(k);
    for (var f = 0u; f < TILE_O; f++) {
        let own = tile_row_quad(f, k);
        for (var j = 0u; j < SHARE; j++) {
            let w = shared_from(own, j);
            for (var p = 0u; p < TILE_Q; p++) {
                let x = tile_x[p];
                (*sums)[f][j][p] = (*sums)[f][j][p] + x.x * w.x + x.y * w.y + x.z * w.z + x.w * w.w;
            }
        }
    }
}

#section tile
// Tile of sum_k W[o][k] * X[q][k], register-blocked (lib/shuffle.wgsl:step); W is perturbed while it is loaded, once for each thread that
// loads it. Slot (f, j) of a team is row o0 + (team * TILE_O + f) * SHARE + j, slot p of a thread is column q0 + member + p * MEMBERS. The
// sum runs along k in ascending order.
//
// A kernel that imports this defines weight_row(o) -> flat index of a row, the rows one after another, and input_column(p, q) that notes
// column q in slot p, which both clamp, and input_quad(p, k) -> four elements of the column in slot p.
#import lib/shuffle.wgsl:step
#import lib/values.wgsl:weights
#import lib/weights.wgsl:signs

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

#section store
// A workgroup's tile, computed and stored: for kernels of one product. They define store(o, q, sum), called within bounds only.
// Gives the thread's sums.
#import lib/shuffle.wgsl:tile

// Rows from o0 on below `rows`, columns from q0 on below `columns`; the rest as in tile_sums.
fn tile(o0: u32, rows: u32, q0: u32, columns: u32, depth: u32, base: u32, bias_offset: u32, thread: u32) -> Tile {
    let member = thread % MEMBERS;
    let first = o0 + (thread / MEMBERS) * TILE_O * SHARE;
    tile_columns(q0, member);
    var sums = tile_sums(first, rows, depth, base, bias_offset, member);
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                let q = q0 + p * MEMBERS + member;
                if (q < columns && o < rows) {
                    store(o, q, sums[f][j][p]);
                }
            }
        }
    }
    return sums;
}
