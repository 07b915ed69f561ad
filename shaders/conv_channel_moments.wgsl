// A convolution (lib/conv.wgsl:forward), and of its output mean and sum of squared deviations, in parts, for the batch norm behind it,
// which takes the statistics of a lane's rows (batch_norm_moments.wgsl). A part is a tile's columns of one channel; the last tile of a lane
// has fewer columns than the others. Parts of a lane lie by (channel, tile), from the lane's first row on.
// Dispatch: as lib/conv.wgsl:forward. Traffic beside the convolution's: two floats a part of TILE_COLUMNS values out.
#import lib/conv.wgsl:forward

@group(0) @binding(5) var<storage, read_write> moments: array<vec2<f32>>;

// Sums over the MEMBERS threads of a team, for each of its rows; all threads of the team get them. All threads of a workgroup call it, in
// uniform control flow.
#ifdef SUBGROUP
// The team is a subgroup: by a butterfly of shuffles.
fn team_sums(values: ptr<function, array<f32, TEAM_ROWS>>, thread: u32) {
    for (var r = 0u; r < TEAM_ROWS; r++) {
        var sum = (*values)[r];
        for (var step = MEMBERS / 2u; step > 0u; step >>= 1u) { sum += subgroupShuffle(sum, (thread % MEMBERS) ^ step); }
        (*values)[r] = sum;
    }
}
#else
// Through workgroup memory, each sum over the threads in ascending order.
var<workgroup> team_values: array<f32, TILE_ROWS * MEMBERS>;

fn team_sums(values: ptr<function, array<f32, TEAM_ROWS>>, thread: u32) {
    let first = thread / MEMBERS * TEAM_ROWS * MEMBERS;
    let own = thread % MEMBERS;
    // The last call's results may still be being read.
    workgroupBarrier();
    for (var r = 0u; r < TEAM_ROWS; r++) { team_values[first + r * MEMBERS + own] = (*values)[r]; }
    workgroupBarrier();
    for (var r = own; r < TEAM_ROWS; r += MEMBERS) {
        var sum = 0.0f;
        for (var l = 0u; l < MEMBERS; l++) { sum += team_values[first + r * MEMBERS + l]; }
        team_values[first + r * MEMBERS] = sum;
    }
    workgroupBarrier();
    for (var r = 0u; r < TEAM_ROWS; r++) { (*values)[r] = team_values[first + r * MEMBERS]; }
}
#endif

fn after_tile(lane: Lane, first: u32, q0: u32, columns: u32, thread: u32, sums: ptr<function, Tile>) {
    let tiles = (columns + TILE_COLUMNS - 1u) / TILE_COLUMNS;
    let own = thread % MEMBERS;
    let share = 1.0f / f32(min(columns - q0, TILE_COLUMNS));
    var means: array<f32, TEAM_ROWS>;
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            for (var p = 0u; p < TILE_Q; p++) {
                means[f * SHARE + j] += select(0.0f, (*sums)[f][j][p] * share, q0 + p * MEMBERS + own < columns);
            }
        }
    }
    team_sums(&means, thread);
    var squares: array<f32, TEAM_ROWS>;
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            for (var p = 0u; p < TILE_Q; p++) {
                let d = (*sums)[f][j][p] - means[f * SHARE + j];
                squares[f * SHARE + j] += select(0.0f, d * d, q0 + p * MEMBERS + own < columns);
            }
        }
    }
    team_sums(&squares, thread);
    // Room for a row's parts of a channel, should the row be a lane of its own.
    let row_parts = (PIXELS + TILE_COLUMNS - 1u) / TILE_COLUMNS;
    // Each thread stores what is left for it when the rows are dealt out.
    for (var r0 = 0u; r0 < TEAM_ROWS; r0 += MEMBERS) {
        var part: vec2<f32>;
        for (var r = r0; r < min(r0 + MEMBERS, TEAM_ROWS); r++) {
            if (r - r0 == own) { part = vec2<f32>(means[r], squares[r]); }
        }
        let o = first + r0 + own;
        if (r0 + own < TEAM_ROWS && o < OUT_C) {
            moments[lane.row0 * row_parts * OUT_C + o * tiles + q0 / TILE_COLUMNS] = part;
        }
    }
}
