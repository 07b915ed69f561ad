// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]).
// Dispatch: x = output-channel tiles, y = tiles of (row, pixel) of the largest lane, z = lane. Traffic and the rest: lib/conv.wgsl:forward.
#import lib/conv.wgsl:forward

fn after_tile(lane: Lane, first: u32, q0: u32, columns: u32, thread: u32, sums: ptr<function, Tile>) {}
