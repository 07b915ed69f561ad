// Products by tiles in workgroup memory, whichever way multiplies (lib/block.wgsl, lib/matrix.wgsl): what they read and write.

#section product
// A product by tiles in workgroup memory: sums by multiply-adds of a thread's own, or by cooperative matrices.
#ifdef MATRIX
#import lib/matrix_operands.wgsl:quads
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
#import lib/matrix_operands.wgsl:halves
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

#section moments
// Of a product by tiles, mean and sum of squared deviations of parts (MOMENTS): SEGMENT rows of a column, of which the last of the product
// may lie beyond its rows.
//
// A thread adds up a run: its rows of one quad of columns, as far as they are of one part, about the first of them. Of n values none
// deviates from their mean by more than the root of the sum of all squares: so sums cancel by a factor of n + 1 at most, wherever the
// values lie. The first thread of a part adds the runs of its threads up, in order.
//
// A way has SPANs of rows, whose SPAN_MEMBERS threads have the same columns, and keep_quad(i, quad) and kept_quad(i), i below MOMENT_QUADS,
// in workgroup memory that is free by then. SEGMENT is a multiple of SPAN or divides it; RUN_ROWS, the lesser of the two, is a multiple of
// the rows among which each of these threads has some. A kernel defines
//   row_counts(m) -> bool                   whether row m is one of the product's
//   store_moments(m, n, means, squares)     takes those of the part that begins at row m, of columns n to n + 4; may lie beyond the last

const SEGMENT: u32 = 16u;
const RUN_ROWS: u32 = 16u;
const RUNS: u32 = SPAN / RUN_ROWS;
// Threads that have the same columns, and those of them that share a part.
const ROW_MEMBERS: u32 = BLOCK_M / SPAN * SPAN_MEMBERS;
const PART_MEMBERS: u32 = max(SEGMENT / SPAN, 1u) * SPAN_MEMBERS;
const MOMENT_QUADS: u32 = 2u * THREADS + ROW_MEMBERS;

struct Run {
    rows: f32,
    first: vec4<f32>,
    // Of what the rows are more than the first.
    sum: vec4<f32>,
    squares: vec4<f32>,
}

// With a row that lies behind those before.
fn with_row(run: Run, m: u32, row: vec4<f32>) -> Run {
    let counts = row_counts(m);
    let first = select(run.first, row, run.rows == 0.0f);
    let d = select(vec4<f32>(), row - first, counts);
    return Run(run.rows + select(0.0f, 1.0f, counts), first, run.sum + d, run.squares + d * d);
}

// Takes the runs of all threads, in uniform control flow: that of a thread which is number `member` of those with the same quad of columns,
// the quad number `quad` of those at hand; the run begins at row m, the quad at column n.
fn leave_run(member: u32, quad: u32, m: u32, n: u32, run: Run) {
    let shift = run.sum / max(run.rows, 1.0f);
    let squares = run.squares - run.sum * shift;
    let row = THREADS / ROW_MEMBERS;
    let at = member * row + quad;
    // What lies there may still be being read.
    workgroupBarrier();
    keep_quad(at, select(vec4<f32>(), run.first + shift, run.rows > 0.0f));
    keep_quad(THREADS + at, select(squares, vec4<f32>(), squares < vec4<f32>()));
    if (quad == 0u) { keep_quad(2u * THREADS + member, vec4<f32>(run.rows)); }
    workgroupBarrier();
    if (member % PART_MEMBERS == 0u) {
        var rows = 0.0f;
        var sum = vec4<f32>();
        for (var i = 0u; i < PART_MEMBERS; i++) {
            let own = kept_quad(2u * THREADS + member + i).x;
            rows += own;
            sum += own * kept_quad(at + i * row);
        }
        let mean = sum / max(rows, 1.0f);
        var all = vec4<f32>();
        for (var i = 0u; i < PART_MEMBERS; i++) {
            let d = kept_quad(at + i * row) - mean;
            all += kept_quad(THREADS + at + i * row) + kept_quad(2u * THREADS + member + i).x * d * d;
        }
        store_moments(m, n, mean, all);
    }
}
