// A convolution by strips of pixels (lib/strips.wgsl:forward), and of its output the maximum of each 2 x 2 square (pool.wgsl), which alone
// is stored: Z[row][o][y][x] = max Y[row][o][2y .. 2y + 1][2x .. 2x + 1]. What is left of an odd last row or column is dropped. STRIPS is
// even.
// Dispatch: as lib/strips.wgsl:forward. Traffic: a quarter of the convolution's out.
#import lib/strips.wgsl:forward

@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// The larger one, or b where that is no number: it is told by its bits, since compilers may assume that there is none.
fn larger(a: f32, b: f32) -> f32 {
    return select(a, b, b > a || (bitcast<u32>(b) & 0x7fffffffu) > 0x7f800000u);
}

fn finish(lane: Lane, place: Place, first: u32, sums: ptr<function, Strips>) {
    let height = OUT_H / 2u;
    let width = OUT_W / 2u;
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            let at = (((lane.row0 + place.sample) * OUT_C + o) * height + place.y / 2u) * width + place.x / 2u;
            for (var b = 0u; b < STRIPS; b += 2u) {
                for (var p = 0u; p < 4u; p += 2u) {
                    let top = larger((*sums)[f][j][b][p], (*sums)[f][j][b][p + 1u]);
                    let all = larger(larger(top, (*sums)[f][j][b + 1u][p]), (*sums)[f][j][b + 1u][p + 1u]);
                    let inside = (place.y + b) / 2u < height && (place.x + p) / 2u < width;
                    if (place.exists && o < OUT_C && inside) { output[at + b / 2u * width + p / 2u] = all; }
                }
            }
        }
    }
}
