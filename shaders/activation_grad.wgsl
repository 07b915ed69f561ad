// dx of activation from what was saved of the forward pass: relu (KIND 0) by its output, gelu (KIND 1) by its input,
// tanh (KIND 2) by its output. One Value a thread; params.count is in f32. Launch: count / WIDTH items, folded over x and y.
// Traffic: reads two values, writes one.
#import lib/values.wgsl:value
#import lib/lanes.wgsl:items
#import lib/math.wgsl:elementary

struct Params {
    count: u32,
}

override KIND: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
#operand @binding(1) saved: Value
#operand @binding(2) dy: Value
@group(0) @binding(3) var<storage, read_write> dx: array<Value>;

// The normal distribution's function plus v times its density.
fn gelu_slope(v: f32) -> f32 {
    let cdf = 0.5f * (1.0f + erf_f32(v * 0.70710678f));
    let density = 0.39894228f * exp_f32(-0.5f * v * v);
    return cdf + v * density;
}

fn items() -> u32 {
    return params.count / WIDTH;
}

fn take(item: u32, lane: u32) {
    let v = saved_at(item);
    let q = to_quad(v);
    let g = dy_at(item);
    if KIND == 0u {
        dx[item] = select(Value(), g, v > Value());
    } else if KIND == 1u {
        dx[item] = g * of_quad(vec4<f32>(gelu_slope(q.x), gelu_slope(q.y), gelu_slope(q.z), gelu_slope(q.w)));
    } else {
        dx[item] = g * (1.0f - v * v);
    }
}
