// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]), by strips of
// pixels. Traffic, launch and the rest: lib/strips.wgsl:forward.
#import lib/strips.wgsl:forward
#import lib/strips.wgsl:store

fn finish(lane: Lane, place: Place, first: u32, sums: ptr<function, Strips>) {
    store_strips(lane.row0, place, first, OUT_C, OUT_H, OUT_W, sums);
}
