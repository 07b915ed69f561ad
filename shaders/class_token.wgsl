// y[row][d] = x[row][0][d]: the class token of each row. A thread an element. Launch: rows x dim items, folded over x and y.
// Traffic: reads and writes dim f32 a row.
#import lib/lanes.wgsl:items

struct Params {
    tokens: u32,
    dim: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn items() -> u32 {
    return params.rows * params.dim;
}

fn take(item: u32, lane: u32) {
    let row = item / params.dim;
    y[item] = x[row * params.tokens * params.dim + item - row * params.dim];
}
