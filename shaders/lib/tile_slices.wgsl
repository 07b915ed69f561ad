// How the ways of lib/tiled.wgsl go through a sum, BLOCK_K terms at a time: a slice. A thread loads A_QUADS and B_QUADS pieces of one, and
// puts them into workgroup memory once those before are multiplied. A Piece is PIECE neighbours: a quad, or eight f16 as they lie.
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
