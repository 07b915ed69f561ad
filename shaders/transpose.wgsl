// y[row][b][a] = x[row][a][b]: images between channels first and channels last. An output a thread, neighbours write neighbours.
// Launch: rows * a * b items, folded over x and y. Traffic: reads and writes each value once.
#import lib/lanes.wgsl:items

struct Params {
    rows: u32,
    // What is slow in x and fast in y.
    a: u32,
    b: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn items() -> u32 {
    return params.rows * params.a * params.b;
}

fn take(item: u32, lane: u32) {
    let len = params.a * params.b;
    let row = item / len;
    let at = item - row * len;
    y[item] = x[row * len + at % params.a * params.b + at / params.a];
}
