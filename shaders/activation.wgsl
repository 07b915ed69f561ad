// y = relu(x) (KIND 0), gelu(x) = x/2 (1 + erf(x / sqrt 2)) (KIND 1), tanh(x) (KIND 2). One Value a thread; params.count is in f32.
// Launch: count / WIDTH items, folded over x and y. Traffic: reads and writes each value once.
#import lib/values.wgsl:value
#import lib/lanes.wgsl:items
#import lib/math.wgsl:elementary

struct Params {
    count: u32,
}

override KIND: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
#operand @binding(1) x: Value
@group(0) @binding(2) var<storage, read_write> y: array<Value>;

fn gelu(v: f32) -> f32 {
    return 0.5f * v * (1.0f + erf_f32(v * 0.70710678f));
}

fn items() -> u32 {
    return params.count / WIDTH;
}

fn take(item: u32, lane: u32) {
    let v = x_at(item);
    let q = to_quad(v);
    if KIND == 0u {
        // NaN fails the comparison and comes through.
        y[item] = select(v, Value(), v < Value());
    } else if KIND == 1u {
        y[item] = of_quad(vec4<f32>(gelu(q.x), gelu(q.y), gelu(q.z), gelu(q.w)));
    } else {
        y[item] = of_quad(vec4<f32>(tanh_f32(q.x), tanh_f32(q.y), tanh_f32(q.z), tanh_f32(q.w)));
    }
}
