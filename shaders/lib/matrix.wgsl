// The ways `matrix` and `matrix3` of computing a product: tiles in workgroup memory, multiplied by cooperative matrices of f16.

#section tile
// A way of computing a product, C[m][n] = sum over k of A[m][k] * B[n][k]: tiles in workgroup memory, multiplied by cooperative matrices.
//
// As lib/block.wgsl:tile, with the same functions of the kernel that imports it, but operands are f16: where they are f32 in memory they
// are rounded on their way (lib/matrix_operands.wgsl:quads), else they are moved as they are (lib/matrix_operands.wgsl:halves). One of
// these is imported beside this. A subgroup of 32 owns GROUP_M x GROUP_N of the tile, as matrices of FRAGMENT x FRAGMENT sums in f32 that
// the device multiplies at a time. Sums go through workgroup memory, FRAGMENT rows at a time, to store_quad, added to what start_quad
// gives. SPLIT_F16: operands have high and low parts. EIGHTS: matrices of 8 x 8. EMULATED: the multiplication as plain code, on devices
// without such matrices; what is around it stays. What a matrix is loaded from or stored to is a `let` of its own, and so is what is
// stored: naga has no expressions there.
#import lib/block.wgsl:slices
#import lib/matrix_operands.wgsl:fragment
#ifndef EMULATED
#import lib/matrix_operands.wgsl:matrices
#endif

const BLOCK_M: u32 = 32u;
const BLOCK_N: u32 = 32u;
const BLOCK_K: u32 = 16u;
const GROUP_M: u32 = 16u;
const GROUP_N: u32 = 32u;
const GROUPS: u32 = (BLOCK_M / GROUP_M) * (BLOCK_N / GROUP_N);
const THREADS: u32 = 32u * GROUPS;

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
// B lies behind A.
const B_FIRST: u32 = PARTS * A_SIZE;

// Sums on their way to store_quad: FRAGMENT rows and RESULT_N columns of each subgroup at a time, RESULTS times: with two of them a barrier
// less. Rows of RESULT_STEP f32.
const RESULT_STEP: u32 = RESULT_N + 4u;
// Matrices next to each other in such rows.
const TOGETHER: u32 = RESULT_N / FRAGMENT;
#ifdef MOMENTS
const SPAN: u32 = GROUP_M;
const SPAN_MEMBERS: u32 = 128u / RESULT_N;
#import lib/tiled.wgsl:moments
fn kept_quad(i: u32) -> vec4<f32> { return result_four(4u * i); }
#else
const MOMENT_QUADS: u32 = 0u;
#endif
const RESULTS_SIZE: u32 = max(GROUPS * RESULTS * FRAGMENT * RESULT_STEP, 4u * MOMENT_QUADS);

var<workgroup> shared_block: Block;

#ifdef EMULATED
// Element (row, k) of a slice of an operand, or of its low parts: a row is counted within the tile.
fn half_at(first: u32, row: u32, k: u32, along_k: u32, step: u32) -> f32 {
    return half_of(4u * first + select(4u * step * k + row, 4u * step * row + k, along_k == 1u));
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
    // A subgroup's columns are numbered by those that are stored together, and within these.
#for i in GROUP_M/FRAGMENT
#for b in GROUP_N/RESULT_N
#for j in RESULT_N/FRAGMENT
    var c{i}_{b}_{j}: MatrixC;
#end
#end
#end
    // Quads times four over TILE_F16 are elements of `tiles`.
    let a_first = 4u * (A_ALONG_K * rows * A_STEP + (1u - A_ALONG_K) * (rows / 4u)) / TILE_F16;
    let b_first = 4u * (B_FIRST + B_ALONG_K * columns * B_STEP + (1u - B_ALONG_K) * (columns / 4u)) / TILE_F16;
    let a_step = 4u * A_STEP / TILE_F16;
    let b_step = 4u * B_STEP / TILE_F16;
#endif
    for (var k = block.k_first; k < block.k_end; k += BLOCK_K) {
        next_slice(block, t, 0u, k);
#ifdef EMULATED
        multiply(rows, columns, member);
#else
#for s in BLOCK_K/FRAGMENT
        {
#for i in GROUP_M/FRAGMENT
            let a_from{i} = &tiles[a_first + 4u * ({i}u * A_ROWS + {s}u * A_DEPTH) / TILE_F16];
#for x in A_ALONG_K
            let a{i} = coopLoadT<MatrixA>(a_from{i}, a_step);
#end
#for x in 1-A_ALONG_K
            let a{i} = coopLoad<MatrixA>(a_from{i}, a_step);
#end
#ifdef SPLIT_F16
            let a_low_from{i} = &tiles[a_first + 4u * (A_SIZE + {i}u * A_ROWS + {s}u * A_DEPTH) / TILE_F16];
#for x in A_ALONG_K
            let a_low{i} = coopLoadT<MatrixA>(a_low_from{i}, a_step);
#end
#for x in 1-A_ALONG_K
            let a_low{i} = coopLoad<MatrixA>(a_low_from{i}, a_step);
#end
#endif
#end
#for b in GROUP_N/RESULT_N
#for j in RESULT_N/FRAGMENT
            let b_from{b}_{j} = &tiles[b_first + 4u * (({b}u * TOGETHER + {j}u) * B_ROWS + {s}u * B_DEPTH) / TILE_F16];
#for x in B_ALONG_K
            let b{b}_{j} = coopLoad<MatrixB>(b_from{b}_{j}, b_step);
#end
#for x in 1-B_ALONG_K
            let b{b}_{j} = coopLoadT<MatrixB>(b_from{b}_{j}, b_step);
#end
#ifdef SPLIT_F16
            let b_low_from{b}_{j} = &tiles[b_first + 4u * (B_SIZE + ({b}u * TOGETHER + {j}u) * B_ROWS + {s}u * B_DEPTH) / TILE_F16];
#for x in B_ALONG_K
            let b_low{b}_{j} = coopLoad<MatrixB>(b_low_from{b}_{j}, b_step);
#end
#for x in 1-B_ALONG_K
            let b_low{b}_{j} = coopLoadT<MatrixB>(b_low_from{b}_{j}, b_step);
#end
#for i in GROUP_M/FRAGMENT
            c{i}_{b}_{j} = coopMultiplyAdd(a_low{i}, b{b}_{j}, c{i}_{b}_{j});
#end
#for i in GROUP_M/FRAGMENT
            c{i}_{b}_{j} = coopMultiplyAdd(a{i}, b_low{b}_{j}, c{i}_{b}_{j});
#end
#endif
#for i in GROUP_M/FRAGMENT
            c{i}_{b}_{j} = coopMultiplyAdd(a{i}, b{b}_{j}, c{i}_{b}_{j});
#end
#end
#end
        }
#end
#endif
        workgroupBarrier();
    }
    // A member takes quads of the rows 32 quads apart: of the same columns.
    let back = 1.0f / (f32(SCALE_A) * f32(SCALE_B));
#ifndef EMULATED
    let result_step = RESULT_STEP / RESULT_F32;
#endif
#for b in GROUP_N/RESULT_N
    let n{b} = block.n0 + columns + {b}u * RESULT_N + member % (RESULT_N / 4u) * 4u;
    let same{b} = column_quad(n{b});
#ifdef MOMENTS
    var runs{b}: array<Run, RUNS>;
#endif
#for i in GROUP_M/FRAGMENT
    {
        if (RESULTS == 1u && {i}u + {b}u > 0u) { workgroupBarrier(); }
        let first = (subgroup * RESULTS + ({i}u + {b}u * (GROUP_M / FRAGMENT)) % RESULTS) * (FRAGMENT * RESULT_STEP);
#for j in RESULT_N/FRAGMENT
        {
            let at = first + {j}u * FRAGMENT;
#ifdef EMULATED
            let matrix = {i}u * (GROUP_N / FRAGMENT) + {b}u * TOGETHER + {j}u;
            for (var x = 0u; x < SUMS; x++) {
                let e = x * 32u + member;
                keep_result(at + e / FRAGMENT * RESULT_STEP + e % FRAGMENT, matrix_sums[matrix * SUMS + x]);
            }
#else
            let held = c{i}_{b}_{j};
#for x in OWN_RESULTS
            let to = &results[at / RESULT_F32];
            coopStoreT(held, to, result_step);
#end
#for x in 1-OWN_RESULTS
            let to = &tiles[at / RESULT_F32];
            coopStoreT(held, to, result_step);
#end
#endif
        }
#end
        workgroupBarrier();
        for (var x = member; x < FRAGMENT * RESULT_N / 4u; x += 32u) {
            let row = x / (RESULT_N / 4u);
            let m = block.m0 + rows + {i}u * FRAGMENT + row;
            let sums = result_four(first + row * RESULT_STEP + x % (RESULT_N / 4u) * 4u);
            let whole = start_quad(m, n{b}, same{b}) + back * sums;
            store_quad(m, n{b}, whole);
#ifdef MOMENTS
            runs{b}[FRAGMENT * {i}u / RUN_ROWS] = with_row(runs{b}[FRAGMENT * {i}u / RUN_ROWS], m, whole);
#endif
        }
    }
#end
#ifdef MOMENTS
#for r in SPAN/RUN_ROWS
    leave_run(
        subgroup / (BLOCK_N / GROUP_N) * SPAN_MEMBERS + member / (RESULT_N / 4u),
        subgroup % (BLOCK_N / GROUP_N) * (RESULT_N / 4u) + member % (RESULT_N / 4u),
        block.m0 + rows + {r}u * RUN_ROWS, n{b}, runs{b}[{r}u],
    );
#end
    workgroupBarrier();
#endif
#end
}
