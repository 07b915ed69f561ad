// A convolution (lib/conv.wgsl:forward), and of its output mean and sum of squared deviations, in parts, for the group norm behind it
// (group_norm_moments.wgsl): each thread notes those of its own values, so that nothing is read again and nothing is shared.
// A part is a thread's TEAM_ROWS channels, of one group, times SEGMENT columns, of one sample. SEGMENT divides TILE_Q; SEGMENT * MEMBERS
// divides the pixels, TEAM_ROWS the channels of a group.
// Dispatch: as lib/conv.wgsl:forward. Traffic beside the convolution's: two floats a part of TEAM_ROWS * SEGMENT values out.
#import lib/conv.wgsl:forward

@group(0) @binding(5) var<storage, read_write> moments: array<vec2<f32>>;

const SEGMENT: u32 = 1u;
const PART_VALUES: u32 = TEAM_ROWS * SEGMENT;
// Parts of a thread.
const PART_COUNT: u32 = TILE_Q / SEGMENT;

fn after_tile(lane: Lane, first: u32, q0: u32, columns: u32, thread: u32, sums: ptr<function, Tile>) {
    if (first >= OUT_C) { return; }
    // By segment. The loops are those of the tile's sums, so that a compiler unrolls them alike and keeps the sums in registers.
    var means: array<f32, PART_COUNT>;
    var squares: array<f32, PART_COUNT>;
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            for (var p = 0u; p < TILE_Q; p++) { means[p / SEGMENT] += (*sums)[f][j][p] / f32(PART_VALUES); }
        }
    }
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            for (var p = 0u; p < TILE_Q; p++) {
                let d = (*sums)[f][j][p] - means[p / SEGMENT];
                squares[p / SEGMENT] += d * d;
            }
        }
    }
    // Of a sample's pixels.
    let segments = PIXELS / (SEGMENT * MEMBERS);
    for (var s = 0u; s < PART_COUNT; s++) {
        let q = q0 + s * SEGMENT * MEMBERS;
        if (q < columns) {
            let row = lane.row0 + q / PIXELS;
            let segment = q % PIXELS / (SEGMENT * MEMBERS);
            let part = (row * (OUT_C / TEAM_ROWS) + first / TEAM_ROWS) * segments + segment;
            moments[part * MEMBERS + thread % MEMBERS] = vec2<f32>(means[s], squares[s]);
        }
    }
}
