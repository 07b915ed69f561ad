// y[row][b][a] = x[row][a][b]: images between channels first and channels last. An output a thread, neighbours write neighbours.
// Launch: rows * a * b items, folded over x and y. Traffic: reads and writes each value once.
#import lib/fold.wgsl

struct Params {
    rows: u32,
    // What is slow in x and fast in y.
    a: u32,
    b: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    let len = params.a * params.b;
    if item >= params.rows * len {
        return;
    }
    let row = item / len;
    let at = item - row * len;
    y[item] = x[row * len + at % params.a * params.b + at / params.a];
}
