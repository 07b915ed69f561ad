// y[row][d] = x[row][0][d]: the class token of each row. A thread an element. Launch: rows x dim items, folded over x and y.
// Traffic: reads and writes dim f32 a row.
#import lib/fold.wgsl

struct Params {
    tokens: u32,
    dim: u32,
    rows: u32,
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
    let row = item / params.dim;
    if row < params.rows {
        y[item] = x[row * params.tokens * params.dim + item - row * params.dim];
    }
}
