// Rows that a forward product by tiles writes (binding 4): f32 (lib/tiled_rows.wgsl) or, with OUT_HALVES, f16, whose columns are whole
// eights (and quads, QUADS).
#ifdef OUT_HALVES
#import lib/same_start.wgsl
#import lib/halves.wgsl
@group(0) @binding(4) var<storage, read_write> output: array<vec2<u32>>;

fn store_row(at: u32, n: u32, columns: u32, row: vec4<f32>) {
    output[at / 4u] = halves_of(row);
}
#else
#import lib/tiled_rows.wgsl
#endif
