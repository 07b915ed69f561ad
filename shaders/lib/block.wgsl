// The way `block` of computing a product: tiles in workgroup memory, multiplied by threads with sums of their own; and how a product goes
// through its slices, lib/matrix.wgsl's alike. What is multiplied: lib/tiled.wgsl.

#section slices
// How the ways of lib/tiled.wgsl:product go through a sum, BLOCK_K terms at a time: a slice. A thread loads A_QUADS and B_QUADS pieces of
// one, and puts them into workgroup memory once those before are multiplied. A Piece is PIECE neighbours: a quad, or eight f16 as they lie.
//
// A way has these constants, THREADS of a workgroup, and put_a(stage, x, piece) and put_b that put piece x of a slice away. A kernel sets
// A_ALONG_K and B_ALONG_K (1: pieces are neighbouring k of a row, 0: neighbouring rows of a k) and defines
//   begin(group) -> Block       the workgroup's place; `any` false: nothing to do. The same for all of its threads
//   a_start(i, m, k)            the thread's piece i of A begins at row m and, of a slice, at k; b_start alike, of columns
//   a_load(i, k) -> Piece       that piece of the slice that begins at k; 0 beyond the sum's end. What lies beyond the last row is anything
//   b_load(i, k) -> Piece       alike
//   b_ready(i, k, piece) -> Piece what is put away of a piece of B
//   column_quad(n) -> vec4      what is the same for all rows of columns n to n + 4
//   start_quad(m, n, same)      what the sums of row m, columns n to n + 4 begin with, `same` from column_quad
//   store_quad(m, n, sums)      takes them; rows and columns may lie beyond the last
struct Block {
    m0: u32,
    n0: u32,
    k_first: u32,
    k_end: u32,
    any: bool,
}

// Place of piece x of a slice of `rows` rows: its row, or its first one, and its k.
fn piece_place(x: u32, rows: u32, along_k: u32) -> vec2<u32> {
    if (along_k == 1u) { return vec2<u32>(x / (BLOCK_K / PIECE), x % (BLOCK_K / PIECE) * PIECE); }
    return vec2<u32>(x % (rows / PIECE) * PIECE, x / (rows / PIECE));
}

// The thread's pieces of the slice that is next.
#for i in A_QUADS
var<private> a_next{i}: Piece;
#end
#for i in B_QUADS
var<private> b_next{i}: Piece;
#end

fn load_slice(k: u32) {
#for i in A_QUADS
    a_next{i} = a_load({i}u, k);
#end
#for i in B_QUADS
    b_next{i} = b_load({i}u, k);
#end
}

// The thread's pieces, and those of the first slice.
fn start_slices(block: Block, thread: u32) {
#for i in A_QUADS
    let a_place{i} = piece_place(thread + {i}u * THREADS, BLOCK_M, A_ALONG_K);
    a_start({i}u, block.m0 + a_place{i}.x, a_place{i}.y);
#end
#for i in B_QUADS
    let b_place{i} = piece_place(thread + {i}u * THREADS, BLOCK_N, B_ALONG_K);
    b_start({i}u, block.n0 + b_place{i}.x, b_place{i}.y);
#end
    load_slice(block.k_first);
}

// Puts those of the slice that begins at k away, and loads the one behind it. Behind the last it is loaded once more, and not read.
fn next_slice(block: Block, thread: u32, stage: u32, k: u32) {
#for i in A_QUADS
    put_a(stage, thread + {i}u * THREADS, a_next{i});
#end
#for i in B_QUADS
    put_b(stage, thread + {i}u * THREADS, b_ready({i}u, k, b_next{i}));
#end
    workgroupBarrier();
    load_slice(select(k, k + BLOCK_K, k + BLOCK_K < block.k_end));
}

#section quad_pieces
// Pieces of operands that are f32 in memory: quads (lib/block.wgsl:slices).
alias Piece = vec4<f32>;
const PIECE: u32 = 4u;

#section tile
// A way of computing a product, C[m][n] = sum over k of A[m][k] * B[n][k]: tiles in workgroup memory.
//
// A workgroup computes BLOCK_M x BLOCK_N of C, of the sum BLOCK_K at a time: a slice. Its threads load the quads of a slice of A and B, put
// them into workgroup memory, k outermost, and each adds up THREAD_M x THREAD_N products from there, k ascending, while the next slice is
// on its way. 32 neighbouring threads own 4 THREAD_M rows and 8 THREAD_N columns, as 4 x 8, so that they read few different quads.
// STAGES 2: a slice is put beside the one that is read, with a barrier less; 1: behind it, with half of the memory.
#import lib/block.wgsl:quad_pieces
#import lib/block.wgsl:slices
const BLOCK_M: u32 = 64u;
const BLOCK_N: u32 = 64u;
const BLOCK_K: u32 = 16u;
const THREAD_M: u32 = 8u;
const THREAD_N: u32 = 8u;
const STAGES: u32 = 1u;
const THREADS: u32 = (BLOCK_M / THREAD_M) * (BLOCK_N / THREAD_N);
// Quads of a slice that a thread loads.
const A_QUADS: u32 = BLOCK_K * THREAD_M * THREAD_N / BLOCK_N / 4u;
const B_QUADS: u32 = BLOCK_K * THREAD_M * THREAD_N / BLOCK_M / 4u;

// Quads from one k to the next: a quad more than the rows where four k of a row are put away at once, so that they lie in different banks.
const A_STEP: u32 = BLOCK_M / 4u + A_ALONG_K;
const B_STEP: u32 = BLOCK_N / 4u + B_ALONG_K;

#ifdef MOMENTS
// Rows and threads of 32.
const SPAN: u32 = 4u * THREAD_M;
const SPAN_MEMBERS: u32 = 4u;
#import lib/tiled.wgsl:moments
fn keep_quad(i: u32, quad: vec4<f32>) { tiles[i] = quad; }
fn kept_quad(i: u32) -> vec4<f32> { return tiles[i]; }
#else
const MOMENT_QUADS: u32 = 0u;
#endif

// Slices of B lie behind those of A.
const B_FIRST: u32 = STAGES * BLOCK_K * A_STEP;
var<workgroup> tiles: array<vec4<f32>, max(STAGES * BLOCK_K * (A_STEP + B_STEP), MOMENT_QUADS)>;

// Puts quad x of a slice of so many rows away that begins at `first`.
fn put(first: u32, x: u32, rows: u32, along_k: u32, step: u32, quad: vec4<f32>) {
    let at = piece_place(x, rows, along_k);
    let i = first + at.y * step + at.x / 4u;
    if (along_k == 0u) {
        tiles[i] = quad;
    } else {
        let e = at.x % 4u;
        tiles[i][e] = quad.x;
        tiles[i + step][e] = quad.y;
        tiles[i + 2u * step][e] = quad.z;
        tiles[i + 3u * step][e] = quad.w;
    }
}
fn put_a(stage: u32, x: u32, quad: vec4<f32>) {
    put(stage * (BLOCK_K * A_STEP), x, BLOCK_M, A_ALONG_K, A_STEP, quad);
}
fn put_b(stage: u32, x: u32, quad: vec4<f32>) {
    put(B_FIRST + stage * (BLOCK_K * B_STEP), x, BLOCK_N, B_ALONG_K, B_STEP, quad);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let block = begin(group);
    if (!block.any) { return; }
    // The thread's first quad of rows and of columns within the tile.
    let across = BLOCK_N / (8u * THREAD_N);
    let rows = t / 32u / across * THREAD_M + t % 32u / 8u;
    let columns = t / 32u % across * (2u * THREAD_N) + t % 8u;
    start_slices(block, t);
#for j in THREAD_N/4
    let same{j} = column_quad(block.n0 + 4u * (columns + 8u * {j}u));
#end
#for i in THREAD_M/4
#for e in 4
#for j in THREAD_N/4
    var sum{i}_{e}_{j} = start_quad(block.m0 + 4u * (rows + 4u * {i}u) + {e}u, block.n0 + 4u * (columns + 8u * {j}u), same{j});
#end
#end
#end
    var stage = 0u;
    for (var k = block.k_first; k < block.k_end; k += BLOCK_K) {
        next_slice(block, t, stage, k);
        let a_at = stage * (BLOCK_K * A_STEP) + rows;
        let b_at = B_FIRST + stage * (BLOCK_K * B_STEP) + columns;
#for u in BLOCK_K
        {
#for i in THREAD_M/4
            let a{i} = tiles[a_at + {u}u * A_STEP + 4u * {i}u];
#end
#for j in THREAD_N/4
            let b{j} = tiles[b_at + {u}u * B_STEP + 8u * {j}u];
#end
#for i in THREAD_M/4
#for e in 4
#for j in THREAD_N/4
            sum{i}_{e}_{j} = fma(vec4<f32>(a{i}[{e}]), b{j}, sum{i}_{e}_{j});
#end
#end
#end
        }
#end
        if (STAGES == 1u) { workgroupBarrier(); } else { stage = 1u - stage; }
    }
#for i in THREAD_M/4
#for e in 4
#for j in THREAD_N/4
    store_quad(block.m0 + 4u * (rows + 4u * {i}u) + {e}u, block.n0 + 4u * (columns + 8u * {j}u), sum{i}_{e}_{j});
#end
#end
#end
#ifdef MOMENTS
    let span = t / 32u / across;
#for j in THREAD_N/4
    {
        // Four rows of each 16.
        var runs: array<Run, RUNS>;
#for i in THREAD_M/4
#for e in 4
        runs[16u * {i}u / RUN_ROWS] =
            with_row(runs[16u * {i}u / RUN_ROWS], block.m0 + 4u * (rows + 4u * {i}u) + {e}u, sum{i}_{e}_{j});
#end
#end
#for r in SPAN/RUN_ROWS
        leave_run(
            span * SPAN_MEMBERS + t % 32u / 8u, t / 32u % across * 8u + t % 8u,
            block.m0 + span * SPAN + {r}u * RUN_ROWS, block.n0 + 4u * (columns + 8u * {j}u), runs[{r}u],
        );
#end
    }
#end
#endif
}
