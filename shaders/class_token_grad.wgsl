// dx[row][0][d] = dy[row][d], 0 for other tokens. A thread an element of dx. Launch: rows x tokens x dim items, folded over x and y.
// Traffic: writes dx once, reads dy once.
#import lib/lanes.wgsl:items

struct Params {
    tokens: u32,
    dim: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

fn items() -> u32 {
    return params.rows * params.tokens * params.dim;
}

fn take(item: u32, lane: u32) {
    let width = params.tokens * params.dim;
    let row = item / width;
    let within = item - row * width;
    var v = 0.0f;
    if within < params.dim {
        v = dy[row * params.dim + within];
    }
    dx[item] = v;
}
