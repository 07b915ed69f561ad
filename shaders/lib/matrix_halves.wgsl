// Operands of cooperative matrices that are f16 in memory (lib/matrix_tile.wgsl), next to each other along k: eights of them are moved, as
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
