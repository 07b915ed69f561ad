// dx[row][0][d] = dy[row][d], 0 for other tokens. A thread an element of dx. Launch: rows x tokens x dim items, folded over x and y.
// Traffic: writes dx once, reads dy once.
#import lib/fold.wgsl

struct Params {
    tokens: u32,
    dim: u32,
    rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    let width = params.tokens * params.dim;
    let row = item / width;
    if row >= params.rows {
        return;
    }
    let within = item - row * width;
    var v = 0.0f;
    if within < params.dim {
        v = dy[row * params.dim + within];
    }
    dx[item] = v;
}
