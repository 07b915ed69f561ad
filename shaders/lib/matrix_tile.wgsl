// A way of computing a product, C[m][n] = sum over k of A[m][k] * B[n][k]: tiles in workgroup memory, multiplied by cooperative matrices.
//
// As lib/workgroup_tile.wgsl, with the same functions of the kernel that imports it, but operands are f16: quads are multiplied by SCALE_A
// and SCALE_B, powers of two, and rounded when they are put away. A subgroup of 32 owns GROUP_M x GROUP_N of the tile, as matrices of
// FRAGMENT x FRAGMENT sums in f32 that the device multiplies at a time. Their sums go through workgroup memory, one matrix at a time, to
// store_quad, added to what start_quad gives.
// SPLIT_F16: an operand is the sum of two f16, its high part and what that leaves, and a product the sum of three, high by high, high by
// low and low by high, which is nearly an f32's.
// EIGHTS: matrices of 8 x 8 (Metal), which it loads from arrays of single f16.
// EMULATED: the multiplication as plain code, on devices without such matrices; what is around it stays.
// What a matrix is loaded from or stored to is a `let` of its own, and so is what is stored: naga has no expressions there.
#import lib/tile_slices.wgsl
#ifdef EMULATED
#import lib/f16.wgsl
#else
enable f16;
enable wgpu_cooperative_matrix;
#ifdef SPLIT_F16
#import lib/f16.wgsl
#endif
#endif

const BLOCK_M: u32 = 32u;
const BLOCK_N: u32 = 32u;
const BLOCK_K: u32 = 16u;
const GROUP_M: u32 = 16u;
const GROUP_N: u32 = 16u;
const SCALE_A: u32 = 1u;
const SCALE_B: u32 = 1u;
const GROUPS: u32 = (BLOCK_M / GROUP_M) * (BLOCK_N / GROUP_N);
const THREADS: u32 = 32u * GROUPS;
// Quads of a slice that a thread loads.
const A_QUADS: u32 = BLOCK_K * GROUP_M * GROUP_N / BLOCK_N / 128u;
const B_QUADS: u32 = BLOCK_K * GROUP_M * GROUP_N / BLOCK_M / 128u;
#ifdef EIGHTS
const FRAGMENT: u32 = 8u;
#else
const FRAGMENT: u32 = 16u;
#endif

// Quads from one row of a tile (k next to each other), or from one k (rows next to each other), to the next: 16 bytes more than there are,
// so that they lie in different banks. Then those from one matrix to the next, along rows and along k.
const A_STEP: u32 = A_ALONG_K * (BLOCK_K / 4u) + (1u - A_ALONG_K) * (BLOCK_M / 4u) + 2u;
const B_STEP: u32 = B_ALONG_K * (BLOCK_K / 4u) + (1u - B_ALONG_K) * (BLOCK_N / 4u) + 2u;
const A_ROWS: u32 = A_ALONG_K * (FRAGMENT * A_STEP) + (1u - A_ALONG_K) * (FRAGMENT / 4u);
const B_ROWS: u32 = B_ALONG_K * (FRAGMENT * B_STEP) + (1u - B_ALONG_K) * (FRAGMENT / 4u);
const A_DEPTH: u32 = A_ALONG_K * (FRAGMENT / 4u) + (1u - A_ALONG_K) * (FRAGMENT * A_STEP);
const B_DEPTH: u32 = B_ALONG_K * (FRAGMENT / 4u) + (1u - B_ALONG_K) * (FRAGMENT * B_STEP);
const A_SIZE: u32 = A_STEP * (A_ALONG_K * BLOCK_M + (1u - A_ALONG_K) * BLOCK_K);
const B_SIZE: u32 = B_STEP * (B_ALONG_K * BLOCK_N + (1u - B_ALONG_K) * BLOCK_K);
// What a quad's place is multiplied by to be an index of the arrays. Low parts lie behind the high ones, B behind A.
// RESULT_UNIT: f32 of an element of `results`.
#ifdef SPLIT_F16
const PARTS: u32 = 2u;
#else
const PARTS: u32 = 1u;
#endif
const B_FIRST: u32 = PARTS * A_SIZE;
#ifdef EIGHTS
const UNIT: u32 = 4u;
const RESULT_UNIT: u32 = 1u;
#else
const UNIT: u32 = 1u;
const RESULT_UNIT: u32 = 4u;
#endif

#ifdef EMULATED
// Four f16 are two words.
var<workgroup> tiles: array<vec2<u32>, PARTS * (A_SIZE + B_SIZE)>;
#else
#ifdef EIGHTS
var<workgroup> tiles: array<f16, PARTS * (A_SIZE + B_SIZE) * UNIT>;
alias MatrixA = coop_mat8x8<f16, A>;
alias MatrixB = coop_mat8x8<f16, B>;
alias MatrixC = coop_mat8x8<f32, C>;
#else
var<workgroup> tiles: array<vec4<f16>, PARTS * (A_SIZE + B_SIZE)>;
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
#endif
#endif

// Sums of matrices on their way to store_quad, RESULTS of a subgroup, in rows of RESULT_STEP f32: with two of them a barrier less.
const RESULTS: u32 = 3u - PARTS;
const RESULT_STEP: u32 = FRAGMENT + 4u;
const RESULTS_SIZE: u32 = GROUPS * RESULTS * FRAGMENT * RESULT_STEP;
#ifdef EIGHTS
var<workgroup> results: array<f32, RESULTS_SIZE>;
fn result_four(i: u32) -> vec4<f32> { return vec4<f32>(results[i], results[i + 1u], results[i + 2u], results[i + 3u]); }
#else
var<workgroup> results: array<vec4<f32>, RESULTS_SIZE / 4u>;
fn result_four(i: u32) -> vec4<f32> { return results[i / 4u]; }
#endif

var<workgroup> shared_block: Block;

#ifdef EMULATED
fn keep(i: u32, v: vec4<f32>) {
    let half = nearest_f16(v);
    tiles[i] = vec2<u32>(pack2x16float(half.xy), pack2x16float(half.zw));
}
#else
#ifdef EIGHTS
fn keep(i: u32, v: vec4<f32>) {
    let half = vec4<f16>(v);
#for e in 4
    tiles[UNIT * i + {e}u] = half[{e}];
#end
}
#else
fn keep(i: u32, v: vec4<f32>) { tiles[i] = vec4<f16>(v); }
#endif
#endif

// Puts quad x of a slice of so many rows away, `size` quads that begin at `first`.
fn put(first: u32, size: u32, x: u32, rows: u32, along_k: u32, step: u32, scaled: vec4<f32>) {
    let at = quad_place(x, rows, along_k);
    let i = first + select(at.y * step + at.x / 4u, at.x * step + at.y / 4u, along_k == 1u);
#ifdef SPLIT_F16
    let high = high_part(scaled);
    keep(i, high);
    keep(i + size, scaled - high);
#else
    keep(i, scaled);
#endif
}
fn put_a(stage: u32, x: u32, quad: vec4<f32>) {
    put(0u, A_SIZE, x, BLOCK_M, A_ALONG_K, A_STEP, quad * f32(SCALE_A));
}
fn put_b(stage: u32, x: u32, quad: vec4<f32>) {
    put(B_FIRST, B_SIZE, x, BLOCK_N, B_ALONG_K, B_STEP, quad * f32(SCALE_B));
}

#ifdef EMULATED
// Element (row, k) of a slice of an operand, or of its low parts: a row is counted within the tile.
fn half_at(first: u32, row: u32, k: u32, along_k: u32, step: u32) -> f32 {
    let i = select(4u * step * k + row, 4u * step * row + k, along_k == 1u);
    return unpack2x16float(tiles[first + i / 4u][i / 2u % 2u])[i % 2u];
}
fn a_at(part: u32, row: u32, k: u32) -> f32 { return half_at(part * A_SIZE, row, k, A_ALONG_K, A_STEP); }
fn b_at(part: u32, row: u32, k: u32) -> f32 { return half_at(B_FIRST + part * B_SIZE, row, k, B_ALONG_K, B_STEP); }
// Sums of a thread: of each matrix of its subgroup every 32nd.
const SUMS: u32 = FRAGMENT * FRAGMENT / 32u;
var<private> matrix_sums: array<f32, SUMS * (GROUP_M / FRAGMENT) * (GROUP_N / FRAGMENT)>;

// Adds a slice's products.
fn multiply(m0: u32, n0: u32, member: u32) {
    for (var x = 0u; x < SUMS * (GROUP_M / FRAGMENT) * (GROUP_N / FRAGMENT); x++) {
        let matrix = x / SUMS;
        let e = x % SUMS * 32u + member;
        let m = m0 + matrix / (GROUP_N / FRAGMENT) * FRAGMENT + e / FRAGMENT;
        let n = n0 + matrix % (GROUP_N / FRAGMENT) * FRAGMENT + e % FRAGMENT;
        var sum = matrix_sums[x];
        for (var k = 0u; k < BLOCK_K; k++) {
            let a = a_at(0u, m, k);
            let b = b_at(0u, n, k);
#ifdef SPLIT_F16
            sum += a_at(1u, m, k) * b;
            sum += a * b_at(1u, n, k);
#endif
            sum += a * b;
        }
        matrix_sums[x] = sum;
    }
}
#endif

@compute @workgroup_size(THREADS)
#ifdef EMULATED
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let subgroup = t / 32u;
    let member = t % 32u;
#else
fn main(
    @builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32,
    @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) member: u32,
) {
#endif
    // Cooperative matrices want control flow that is uniform for all to see.
    let begun = begin(group);
    if (t == 0u) { shared_block = begun; }
    let block = workgroupUniformLoad(&shared_block);
    if (!block.any) { return; }
    // The subgroup's first row and column within the tile.
    let rows = subgroup / (BLOCK_N / GROUP_N) * GROUP_M;
    let columns = subgroup % (BLOCK_N / GROUP_N) * GROUP_N;
    start_slices(block, t);
#ifdef EMULATED
    for (var x = 0u; x < SUMS * (GROUP_M / FRAGMENT) * (GROUP_N / FRAGMENT); x++) { matrix_sums[x] = 0.0f; }
#else
#for i in GROUP_M/FRAGMENT
#for j in GROUP_N/FRAGMENT
    var c{i}_{j}: MatrixC;
#end
#end
    let a_first = UNIT * (A_ALONG_K * rows * A_STEP + (1u - A_ALONG_K) * (rows / 4u));
    let b_first = UNIT * (B_FIRST + B_ALONG_K * columns * B_STEP + (1u - B_ALONG_K) * (columns / 4u));
    let a_step = UNIT * A_STEP;
    let b_step = UNIT * B_STEP;
#endif
    for (var k = block.k_first; k < block.k_end; k += BLOCK_K) {
        next_slice(block, t, 0u, k);
#ifdef EMULATED
        multiply(rows, columns, member);
#else
#for s in BLOCK_K/FRAGMENT
        {
#for i in GROUP_M/FRAGMENT
            let a_from{i} = &tiles[a_first + UNIT * ({i}u * A_ROWS + {s}u * A_DEPTH)];
#for x in A_ALONG_K
            let a{i} = coopLoadT<MatrixA>(a_from{i}, a_step);
#end
#for x in 1-A_ALONG_K
            let a{i} = coopLoad<MatrixA>(a_from{i}, a_step);
#end
#ifdef SPLIT_F16
            let a_low_from{i} = &tiles[a_first + UNIT * (A_SIZE + {i}u * A_ROWS + {s}u * A_DEPTH)];
#for x in A_ALONG_K
            let a_low{i} = coopLoadT<MatrixA>(a_low_from{i}, a_step);
#end
#for x in 1-A_ALONG_K
            let a_low{i} = coopLoad<MatrixA>(a_low_from{i}, a_step);
#end
#endif
#end
#for j in GROUP_N/FRAGMENT
            let b_from{j} = &tiles[b_first + UNIT * ({j}u * B_ROWS + {s}u * B_DEPTH)];
#for x in B_ALONG_K
            let b{j} = coopLoad<MatrixB>(b_from{j}, b_step);
#end
#for x in 1-B_ALONG_K
            let b{j} = coopLoadT<MatrixB>(b_from{j}, b_step);
#end
#ifdef SPLIT_F16
            let b_low_from{j} = &tiles[b_first + UNIT * (B_SIZE + {j}u * B_ROWS + {s}u * B_DEPTH)];
#for x in B_ALONG_K
            let b_low{j} = coopLoad<MatrixB>(b_low_from{j}, b_step);
#end
#for x in 1-B_ALONG_K
            let b_low{j} = coopLoadT<MatrixB>(b_low_from{j}, b_step);
#end
#for i in GROUP_M/FRAGMENT
            c{i}_{j} = coopMultiplyAdd(a_low{i}, b{j}, c{i}_{j});
#end
#for i in GROUP_M/FRAGMENT
            c{i}_{j} = coopMultiplyAdd(a{i}, b_low{j}, c{i}_{j});
#end
#endif
#for i in GROUP_M/FRAGMENT
            c{i}_{j} = coopMultiplyAdd(a{i}, b{j}, c{i}_{j});
#end
#end
        }
#end
#endif
        workgroupBarrier();
    }
    // A member stores quads of a matrix 32 quads apart.
    let back = 1.0f / (f32(SCALE_A) * f32(SCALE_B));
#ifndef EMULATED
    let result_step = RESULT_STEP / RESULT_UNIT;
#endif
#for j in GROUP_N/FRAGMENT
    let n{j} = block.n0 + columns + {j}u * FRAGMENT + member % (FRAGMENT / 4u) * 4u;
    let same{j} = column_quad(n{j});
#for i in GROUP_M/FRAGMENT
    {
        if (RESULTS == 1u) { workgroupBarrier(); }
        let first = (subgroup * RESULTS + ({i}u + {j}u * (GROUP_M / FRAGMENT)) % RESULTS) * (FRAGMENT * RESULT_STEP);
#ifdef EMULATED
        for (var x = 0u; x < SUMS; x++) {
            let e = x * 32u + member;
            let at = first + e / FRAGMENT * RESULT_STEP + e % FRAGMENT;
            results[at / 4u][at % 4u] = matrix_sums[({i}u * (GROUP_N / FRAGMENT) + {j}u) * SUMS + x];
        }
#else
        let to = &results[first / RESULT_UNIT];
        let held = c{i}_{j};
        coopStoreT(held, to, result_step);
#endif
        workgroupBarrier();
        for (var x = member; x < FRAGMENT * FRAGMENT / 4u; x += 32u) {
            let row = x / (FRAGMENT / 4u);
            let at = first + row * RESULT_STEP + x % (FRAGMENT / 4u) * 4u;
            let m = block.m0 + rows + {i}u * FRAGMENT + row;
            store_quad(m, n{j}, start_quad(m, n{j}, same{j}) + back * result_four(at));
        }
    }
#end
#end
}
