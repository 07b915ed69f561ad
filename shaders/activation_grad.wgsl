// dx of activation from what was saved of the forward pass: relu (KIND 0) by its output, gelu (KIND 1) by its input,
// tanh (KIND 2) by its output. One value a thread. Launch: count items, folded over x and y.
// Traffic: reads two values, writes one.
#import lib/fold.wgsl
#import lib/math.wgsl

struct Params {
    count: u32,
}

override KIND: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> saved: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

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
    let v = saved[item];
    let g = dy[item];
    if KIND == 0u {
        dx[item] = select(0.0f, g, v > 0.0f);
    } else if KIND == 1u {
        // The normal distribution's function plus x times its density.
        let cdf = 0.5f * (1.0f + erf_f32(v * 0.70710678f));
        let density = 0.39894228f * exp_f32(-0.5f * v * v);
        dx[item] = g * (cdf + v * density);
    } else {
        dx[item] = g * (1.0f - v * v);
    }
}
