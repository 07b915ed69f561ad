// Four k of a tile's products (lib/tile_slots.wgsl).
//
// A kernel defines tile_load(k), which puts elements k to k + 4 of the thread's columns into tile_x, and tile_row_quad(f, k) -> those of
// its row in slot f.
#import lib/tile_slots.wgsl

var<private> tile_x: array<vec4<f32>, TILE_Q>;

// Adds the products of k to k + 4, in ascending order.
fn tile_step(sums: ptr<function, Tile>, k: u32) {
    tile_load(k);
    for (var f = 0u; f < TILE_O; f++) {
        let own = tile_row_quad(f, k);
        for (var j = 0u; j < SHARE; j++) {
            let w = shared_from(own, j);
            for (var p = 0u; p < TILE_Q; p++) {
                let x = tile_x[p];
                (*sums)[f][j][p] = (*sums)[f][j][p] + x.x * w.x + x.y * w.y + x.z * w.z + x.w * w.w;
            }
        }
    }
}
