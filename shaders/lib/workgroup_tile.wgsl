// A way of computing a product, C[m][n] = sum over k of A[m][k] * B[n][k]: tiles in workgroup memory.
//
// A workgroup computes BLOCK_M x BLOCK_N of C, of the sum BLOCK_K at a time: a slice. Its threads load the quads of a slice of A and B, put
// them into workgroup memory, k outermost, and each adds up THREAD_M x THREAD_N products from there, k ascending, while the next slice is
// on its way. 32 neighbouring threads own 4 THREAD_M rows and 8 THREAD_N columns, as 4 x 8, so that they read few different quads.
// STAGES 2: a slice is put beside the one that is read, with a barrier less; 1: behind it, with half of the memory.
//
// A kernel that imports this sets A_ALONG_K and B_ALONG_K (1: quads are four k of a row, 0: four rows of a k) and defines
//   begin(group) -> Block       the workgroup's place; `any` false: nothing to do. The same for all of its threads
//   a_start(i, m, k)            the thread's quad i of A begins at row m and, of a slice, at k; b_start alike, of columns
//   a_load(i, k) -> vec4        that quad of the slice that begins at k; 0 beyond the sum's end. What lies beyond the last row is anything
//   b_load(i, k) -> vec4        alike
//   b_ready(i, k, quad) -> vec4 what is put away of a quad of B
//   column_quad(n) -> vec4      what is the same for all rows of columns n to n + 4
//   start_quad(m, n, same)      what the sums of row m, columns n to n + 4 begin with, `same` from column_quad
//   store_quad(m, n, sums)      takes them; rows and columns may lie beyond the last
#import lib/tile_place.wgsl
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

var<workgroup> tile_a: array<vec4<f32>, STAGES * BLOCK_K * A_STEP>;
var<workgroup> tile_b: array<vec4<f32>, STAGES * BLOCK_K * B_STEP>;

fn put_a(stage: u32, x: u32, quad: vec4<f32>) {
    let at = quad_place(x, BLOCK_M, A_ALONG_K);
    let i = stage * (BLOCK_K * A_STEP) + at.y * A_STEP + at.x / 4u;
    if (A_ALONG_K == 0u) {
        tile_a[i] = quad;
    } else {
        let e = at.x % 4u;
        tile_a[i][e] = quad.x;
        tile_a[i + A_STEP][e] = quad.y;
        tile_a[i + 2u * A_STEP][e] = quad.z;
        tile_a[i + 3u * A_STEP][e] = quad.w;
    }
}

fn put_b(stage: u32, x: u32, quad: vec4<f32>) {
    let at = quad_place(x, BLOCK_N, B_ALONG_K);
    let i = stage * (BLOCK_K * B_STEP) + at.y * B_STEP + at.x / 4u;
    if (B_ALONG_K == 0u) {
        tile_b[i] = quad;
    } else {
        let e = at.x % 4u;
        tile_b[i][e] = quad.x;
        tile_b[i + B_STEP][e] = quad.y;
        tile_b[i + 2u * B_STEP][e] = quad.z;
        tile_b[i + 3u * B_STEP][e] = quad.w;
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let block = begin(group);
    if (!block.any) { return; }
    // The thread's first quad of rows and of columns within the tile.
    let across = BLOCK_N / (8u * THREAD_N);
    let rows = t / 32u / across * THREAD_M + t % 32u / 8u;
    let columns = t / 32u % across * (2u * THREAD_N) + t % 8u;
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_N/4
    let a_place{i} = quad_place(t + {i}u * THREADS, BLOCK_M, A_ALONG_K);
    a_start({i}u, block.m0 + a_place{i}.x, a_place{i}.y);
    var a_next{i} = a_load({i}u, block.k_first);
#end
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_M/4
    let b_place{i} = quad_place(t + {i}u * THREADS, BLOCK_N, B_ALONG_K);
    b_start({i}u, block.n0 + b_place{i}.x, b_place{i}.y);
    var b_next{i} = b_load({i}u, block.k_first);
#end
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
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_N/4
    put_a(0u, t + {i}u * THREADS, a_next{i});
#end
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_M/4
    put_b(0u, t + {i}u * THREADS, b_ready({i}u, block.k_first, b_next{i}));
#end
    workgroupBarrier();
    var stage = 0u;
    for (var k = block.k_first; k < block.k_end; k += BLOCK_K) {
        // Behind the last slice it is loaded once more, and not read.
        let next = select(k, k + BLOCK_K, k + BLOCK_K < block.k_end);
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_N/4
        a_next{i} = a_load({i}u, next);
#end
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_M/4
        b_next{i} = b_load({i}u, next);
#end
        let a_at = stage * (BLOCK_K * A_STEP) + rows;
        let b_at = stage * (BLOCK_K * B_STEP) + columns;
#for u in BLOCK_K
        {
#for i in THREAD_M/4
            let a{i} = tile_a[a_at + {u}u * A_STEP + 4u * {i}u];
#end
#for j in THREAD_N/4
            let b{j} = tile_b[b_at + {u}u * B_STEP + 8u * {j}u];
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
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_N/4
        put_a(stage, t + {i}u * THREADS, a_next{i});
#end
#for i in BLOCK_K*THREAD_M*THREAD_N/BLOCK_M/4
        put_b(stage, t + {i}u * THREADS, b_ready({i}u, next, b_next{i}));
#end
        workgroupBarrier();
    }
#for i in THREAD_M/4
#for e in 4
#for j in THREAD_N/4
    store_quad(block.m0 + 4u * (rows + 4u * {i}u) + {e}u, block.n0 + 4u * (columns + 8u * {j}u), sum{i}_{e}_{j});
#end
#end
#end
}
