// y = relu(x) (KIND 0), gelu(x) = x/2 (1 + erf(x / sqrt 2)) (KIND 1), tanh(x) (KIND 2). One value a thread.
// Launch: count items, folded over x and y. Traffic: reads and writes each value once.
#import lib/fold.wgsl
#import lib/math.wgsl

struct Params {
    count: u32,
}

override KIND: u32 = 0u;

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
    if item >= params.count {
        return;
    }
    let v = x[item];
    if KIND == 0u {
        // NaN fails the comparison and comes through.
        y[item] = select(v, 0.0f, v < 0.0f);
    } else if KIND == 1u {
        y[item] = 0.5f * v * (1.0f + erf_f32(v * 0.70710678f));
    } else {
        y[item] = tanh_f32(v);
    }
}
