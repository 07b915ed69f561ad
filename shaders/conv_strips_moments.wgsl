// A convolution by strips of pixels (lib/strips.wgsl:forward), and of its output mean and sum of squared deviations, in parts, for the
// group norm behind it (group_norm_moments.wgsl): a part is a thread's TEAM_ROWS channels, of one group, times its STRIPS * 4 pixels.
// STRIPS divides the rows, 4 the columns, TEAM_ROWS the channels of a group. Parts of a sample lie by (TEAM_ROWS channels, strips).
// Dispatch: as lib/strips.wgsl:forward. Traffic beside the convolution's: two floats a part of TEAM_ROWS * STRIPS * 4 values out.
#import lib/strips.wgsl:forward
#import lib/strips.wgsl:store

@group(0) @binding(5) var<storage, read_write> moments: array<vec2<f32>>;

const PART_VALUES: u32 = TEAM_ROWS * STRIPS * 4u;

fn finish(lane: Lane, place: Place, first: u32, sums: ptr<function, Strips>) {
    store_strips(lane.row0, place, first, OUT_C, OUT_H, OUT_W, sums);
    if (!place.exists || first >= OUT_C) { return; }
    var mean = 0.0f;
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            for (var b = 0u; b < STRIPS; b++) {
                for (var p = 0u; p < 4u; p++) { mean += (*sums)[f][j][b][p] / f32(PART_VALUES); }
            }
        }
    }
    var squares = 0.0f;
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            for (var b = 0u; b < STRIPS; b++) {
                for (var p = 0u; p < 4u; p++) {
                    let d = (*sums)[f][j][b][p] - mean;
                    squares += d * d;
                }
            }
        }
    }
    let count = strips_of(OUT_H, OUT_W);
    let part = ((lane.row0 + place.sample) * (OUT_C / TEAM_ROWS) + first / TEAM_ROWS) * count + place.q % count;
    moments[part] = vec2<f32>(mean, squares);
}
