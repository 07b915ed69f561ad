// Products by tiles in workgroup memory, whichever way multiplies (lib/block.wgsl, lib/matrix.wgsl): what they read and write.

#section product
// A product by tiles in workgroup memory: sums by multiply-adds of a thread's own, or by cooperative matrices.
#ifdef MATRIX
#import lib/tiled.wgsl:matrix_quads
#import lib/matrix.wgsl:tile
#else
#import lib/block.wgsl:tile
#endif

#section forward
// A product by tiles of activations and weights, and how the weights lie before it. Activations lie along k.
// IN_HALVES: activations are f16 in memory; matrices then have weights that are, too.
const A_ALONG_K: u32 = 1u;
#ifdef MATRIX
#ifdef IN_HALVES
const B_ALONG_K: u32 = 1u;
#import lib/tiled.wgsl:matrix_halves
#import lib/matrix.wgsl:tile
#import lib/tiled_weights.wgsl:half_weights
#else
const B_ALONG_K: u32 = 0u;
#import lib/tiled.wgsl:product
#import lib/tiled_weights.wgsl:weights
#endif
#else
const B_ALONG_K: u32 = 0u;
#import lib/tiled.wgsl:product
#import lib/tiled_weights.wgsl:weights
#endif

#section inputs
// What a product by tiles reads of images (binding 3), channels last (lib/tiled.wgsl:input_pieces). IN_QUADS: channels are whole quads.
#ifdef IN_QUADS
#operand @binding(3) inputs: vec4<f32>
#else
#operand @binding(3) inputs: f32
#endif
#import lib/tiled.wgsl:input_pieces

#section input_pieces
// Pieces of images in memory that a product by tiles reads, of places that may lie outside.
//
// A kernel that imports this declares the operand `inputs`, pieces with IN_QUADS, else single f32, and defines
// input_place(i, k, e) -> index of element e of the thread's piece i in the slice that begins at k, or OUTSIDE. With IN_QUADS it is asked
// for the first element only.
const OUTSIDE: u32 = 0xffffffffu;

// Piece i of the slice that begins at k; 0 outside.
#ifdef IN_QUADS
fn input_piece(i: u32, k: u32) -> Piece {
    let place = input_place(i, k, 0u);
    let inside = place != OUTSIDE;
    return select(Piece(), inputs_at(select(0u, place / PIECE, inside)), inside);
}
#else
fn input_one(place: u32) -> f32 {
    let inside = place != OUTSIDE;
    return select(0.0f, inputs_at(select(0u, place, inside)), inside);
}
fn input_piece(i: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(
        input_one(input_place(i, k, 0u)), input_one(input_place(i, k, 1u)),
        input_one(input_place(i, k, 2u)), input_one(input_place(i, k, 3u)),
    );
}
#endif

#section half_inputs
// Activations of a forward product by tiles that are f16 in memory (binding 3): eights as they lie, which matrices take, else quads.
#ifdef MATRIX
#operand @binding(3) inputs: vec4<u32>
#else
#import lib/values.wgsl:halves
#operand @binding(3) inputs: Halves
#endif

#section rows
// Rows that a product by tiles writes (binding 4), from a sum on that begins with what is the same for all rows: whole quads with QUADS,
// else single f32.
#import lib/values.wgsl:value
#import lib/tiled.wgsl:same_start

@group(0) @binding(4) var<storage, read_write> output: array<Value>;

// Columns n to n + 4 of a row of `columns`, of which column n is element `at`.
fn store_row(at: u32, n: u32, columns: u32, row: vec4<f32>) {
#ifdef QUADS
    output[at / 4u] = row;
#else
    for (var e = 0u; e < 4u; e++) {
        if (n + e < columns) { output[at + e] = row[e]; }
    }
#endif
}

#section forward_rows
// Rows that a forward product by tiles writes (binding 4): f32 (lib/tiled.wgsl:rows) or, with OUT_HALVES, f16, whose columns are whole
// eights (and quads, QUADS).
#ifdef OUT_HALVES
#import lib/tiled.wgsl:same_start
#import lib/values.wgsl:halves
@group(0) @binding(4) var<storage, read_write> output: array<vec2<u32>>;

fn store_row(at: u32, n: u32, columns: u32, row: vec4<f32>) {
    output[at / 4u] = halves_of(row);
}
#else
#import lib/tiled.wgsl:rows
#endif

#section same_start
// Sums of a product by tiles that begin with what is the same for all rows.
fn start_quad(m: u32, n: u32, same: vec4<f32>) -> vec4<f32> {
    return same;
}

#section matrix_quads
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
#else
const RESULT_F32: u32 = 4u;
var<workgroup> results: array<vec4<f32>, RESULTS_SIZE / 4u>;
fn result_four(i: u32) -> vec4<f32> { return results[i / 4u]; }
#endif
#ifdef EMULATED
fn keep_result(i: u32, sum: f32) { results[i / 4u][i % 4u] = sum; }
#endif

#section matrix_halves
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
#ifdef EMULATED
fn half_of(i: u32) -> f32 { return unpack2x16float(bitcast<u32>(tiles[i / 8u][i / 2u % 4u]))[i % 2u]; }
fn keep_result(i: u32, sum: f32) { tiles[i / 4u][i % 4u] = sum; }
#endif
