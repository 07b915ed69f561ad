// A convolution (lib/conv.wgsl), and of its output mean and sum of squared deviations, in parts, for the batch norm behind it, which takes
// the statistics of a lane's rows (batch_norm_moments.wgsl). A part is a tile's columns of one channel; the last tile of a lane has
// fewer columns than the others. Parts of a lane lie by (channel, tile), from the lane's first row on.
// Dispatch: as lib/conv.wgsl. Traffic beside the convolution's: two floats a part of TILE_COLUMNS values out.
#import lib/conv.wgsl
#import lib/team_sums.wgsl

@group(0) @binding(5) var<storage, read_write> moments: array<vec2<f32>>;

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
