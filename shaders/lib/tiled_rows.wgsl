// Rows that a product by tiles writes (binding 4), from a sum on that begins with what is the same for all rows: whole quads with QUADS,
// else single f32.
#import lib/value.wgsl
#import lib/same_start.wgsl

@group(0) @binding(4) var<storage, read_write> output: array<Value>;

// Columns n to n + 4 of a row of `columns`, of which column n is element `at`.
fn store_row(at: u32, n: u32, columns: u32, row: vec4<f32>) {
#ifdef QUADS
    output[at / 4u] = row;
#else
    for (var e = 0u; e < 4u; e++) {
        if (n + e < columns) { output[at + e] = row[e]; }
    }
#endif
}
