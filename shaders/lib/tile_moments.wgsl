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
