// y[i] = x[i] where one of the two is f16 in memory: x with IN_HALVES, else y, to the nearest. params.count is in f32, a multiple of 8.
// Launch: count / 4 items, folded over x and y. Traffic: reads each value once, writes it once.
#import lib/lanes.wgsl:items
#import lib/values.wgsl:halves
#import lib/values.wgsl:f16

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#ifdef IN_HALVES
#operand @binding(1) x: Halves
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#else
#operand @binding(1) x: vec4<f32>
@group(0) @binding(2) var<storage, read_write> y: array<vec2<u32>>;
#endif

fn items() -> u32 {
    return params.count / 4u;
}

fn take(item: u32, lane: u32) {
#ifdef IN_HALVES
    y[item] = x_at(item);
#else
    y[item] = halves_of(nearest_f16(x_at(item)));
#endif
}
