// A workgroup's tile, computed and stored: for kernels of one product. They define store(o, q, sum), called within bounds only.
// Gives the thread's sums.
#import lib/tile.wgsl

// Rows from o0 on below `rows`, columns from q0 on below `columns`; the rest as in tile_sums.
fn tile(o0: u32, rows: u32, q0: u32, columns: u32, depth: u32, base: u32, bias_offset: u32, thread: u32) -> Tile {
    let member = thread % MEMBERS;
    let first = o0 + (thread / MEMBERS) * TILE_O * SHARE;
    tile_columns(q0, member);
    var sums = tile_sums(first, rows, depth, base, bias_offset, member);
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                let q = q0 + p * MEMBERS + member;
                if (q < columns && o < rows) {
                    store(o, q, sums[f][j][p]);
                }
            }
        }
    }
    return sums;
}
