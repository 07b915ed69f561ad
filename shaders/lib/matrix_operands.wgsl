// Cooperative matrices and what they multiply: their sizes and types, and how operands of either precision come into workgroup memory.
// Tiles of them: lib/matrix.wgsl.

#section fragment
// Rows and columns of a cooperative matrix. EIGHTS: of 8 x 8 (Metal).
#ifdef EIGHTS
const FRAGMENT: u32 = 8u;
#else
const FRAGMENT: u32 = 16u;
#endif

#section matrices
// Cooperative matrices of f16 with sums in f32, on devices that have them. EIGHTS: of 8 x 8 (Metal).
enable f16;
enable wgpu_cooperative_matrix;
#ifdef EIGHTS
alias MatrixA = coop_mat8x8<f16, A>;
alias MatrixB = coop_mat8x8<f16, B>;
alias MatrixC = coop_mat8x8<f32, C>;
#else
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
#endif

#section quads
// Operands of cooperative matrices that are f32 in memory (lib/matrix.wgsl:tile): quads are multiplied by SCALE_A and SCALE_B, powers of
// two, and rounded to f16 when they are put away.
// SPLIT_F16: an operand is the sum of two f16, its high part and what that leaves, and a product the sum of three, high by high, high by
// low and low by high, which is nearly an f32's.
// EIGHTS: matrices of 8 x 8 (Metal) are loaded from arrays of single f16.
#import lib/block.wgsl:quad_pieces
#ifdef EMULATED
#import lib/values.wgsl:f16
#else
#ifdef SPLIT_F16
#import lib/values.wgsl:f16
#endif
#endif

const SCALE_A: u32 = 1u;
const SCALE_B: u32 = 1u;
// Quads of a slice that a thread loads.
const A_QUADS: u32 = BLOCK_K * GROUP_M * GROUP_N / BLOCK_N / 128u;
const B_QUADS: u32 = BLOCK_K * GROUP_M * GROUP_N / BLOCK_M / 128u;

// Low parts lie behind the high ones.
#ifdef SPLIT_F16
const PARTS: u32 = 2u;
#else
const PARTS: u32 = 1u;
#endif

// TILE_F16: f16 of an element of `tiles`.
#ifdef EMULATED
// Four f16 are two words.
const TILE_F16: u32 = 4u;
var<workgroup> tiles: array<vec2<u32>, PARTS * (A_SIZE + B_SIZE)>;
fn half_of(i: u32) -> f32 { return unpack2x16float(tiles[i / 4u][i / 2u % 2u])[i % 2u]; }
fn keep(i: u32, v: vec4<f32>) {
    let half = nearest_f16(v);
    tiles[i] = vec2<u32>(pack2x16float(half.xy), pack2x16float(half.zw));
}
#else
#ifdef EIGHTS
const TILE_F16: u32 = 1u;
var<workgroup> tiles: array<f16, PARTS * (A_SIZE + B_SIZE) * 4u>;
fn keep(i: u32, v: vec4<f32>) {
    let half = vec4<f16>(v);
#for e in 4
    tiles[4u * i + {e}u] = half[{e}];
#end
}
#else
const TILE_F16: u32 = 4u;
var<workgroup> tiles: array<vec4<f16>, PARTS * (A_SIZE + B_SIZE)>;
fn keep(i: u32, v: vec4<f32>) { tiles[i] = vec4<f16>(v); }
#endif
#endif

// Puts quad x of a slice of so many rows away, `size` quads that begin at `first`.
fn put(first: u32, size: u32, x: u32, rows: u32, along_k: u32, step: u32, scaled: vec4<f32>) {
    let at = piece_place(x, rows, along_k);
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

// Sums have room of their own, for one matrix or two. RESULT_F32: f32 of an element of it.
const OWN_RESULTS: u32 = 1u;
const RESULT_N: u32 = FRAGMENT;
const RESULTS: u32 = 3u - PARTS;
#ifdef EIGHTS
const RESULT_F32: u32 = 1u;
var<workgroup> results: array<f32, RESULTS_SIZE>;
fn result_four(i: u32) -> vec4<f32> { return vec4<f32>(results[i], results[i + 1u], results[i + 2u], results[i + 3u]); }
fn keep_quad(i: u32, quad: vec4<f32>) {
#for e in 4
    results[4u * i + {e}u] = quad[{e}];
#end
}
#else
const RESULT_F32: u32 = 4u;
var<workgroup> results: array<vec4<f32>, RESULTS_SIZE / 4u>;
fn result_four(i: u32) -> vec4<f32> { return results[i / 4u]; }
fn keep_quad(i: u32, quad: vec4<f32>) { results[i] = quad; }
#endif
#ifdef EMULATED
fn keep_result(i: u32, sum: f32) { results[i / 4u][i % 4u] = sum; }
#endif

#section halves
// Operands of cooperative matrices that are f16 in memory (lib/matrix.wgsl:tile), next to each other along k: eights of them are moved, as
// 16 bytes, and nothing is computed on their way.
// Matrices are loaded from and stored to one array of quads of f32, whatever its elements mean: first the tiles lie in it, then the sums.
alias Piece = vec4<u32>;
const PIECE: u32 = 8u;
// Multiples of all operands.
const SCALE_A: u32 = 1u;
const SCALE_B: u32 = 1u;
// Eights of a slice that a thread loads.
const A_QUADS: u32 = BLOCK_K * GROUP_M * GROUP_N / BLOCK_N / 256u;
const B_QUADS: u32 = BLOCK_K * GROUP_M * GROUP_N / BLOCK_M / 256u;
const PARTS: u32 = 1u;
const TILE_F16: u32 = 8u;
const OWN_RESULTS: u32 = 0u;
const RESULT_N: u32 = GROUP_N;
const RESULTS: u32 = 1u;
const RESULT_F32: u32 = 4u;
var<workgroup> tiles: array<vec4<f32>, max((A_SIZE + B_SIZE) / 2u, RESULTS_SIZE / 4u)>;

// Puts eight x of a slice of so many rows away, which begins at quad `first`.
fn put(first: u32, x: u32, rows: u32, step: u32, eight: vec4<u32>) {
    let at = piece_place(x, rows, 1u);
    tiles[(first + at.x * step) / 2u + at.y / 8u] = bitcast<vec4<f32>>(eight);
}
fn put_a(stage: u32, x: u32, eight: vec4<u32>) { put(0u, x, BLOCK_M, A_STEP, eight); }
fn put_b(stage: u32, x: u32, eight: vec4<u32>) { put(B_FIRST, x, BLOCK_N, B_STEP, eight); }
fn result_four(i: u32) -> vec4<f32> { return tiles[i / 4u]; }
fn keep_quad(i: u32, quad: vec4<f32>) { tiles[i] = quad; }
#ifdef EMULATED
fn half_of(i: u32) -> f32 { return unpack2x16float(bitcast<u32>(tiles[i / 8u][i / 2u % 4u]))[i % 2u]; }
fn keep_result(i: u32, sum: f32) { tiles[i / 4u][i % 4u] = sum; }
#endif
