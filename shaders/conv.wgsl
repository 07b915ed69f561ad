// Y[row][o][y][x] = act(b[o] + sum_{c,i,j} W[o][c][i][j] * X[row][c][y * stride + i - padding][x * stride + j - padding]), as an
// implicit matrix product: column q = (row, y, x), k = (c, i, j); W and b perturbed while they are loaded (lib/tile.wgsl).
// Dispatch: x = output-channel tiles, y = tiles of (row, pixel) of the largest lane, z = lane; TEAMS * LANES threads a tile.
// Traffic of a tile: K * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out.
#import lib/conv.wgsl

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let lane = lanes[group.z];
    let q0 = group.y * TILE_COLUMNS;
    let columns = lane.rows * PIXELS;
    if (q0 >= columns) { return; }
    conv_tile(lane, group.x * TILE_ROWS, q0, columns, thread);
}
