// sum[i] += x[i], for gradients that flow together. One Value a thread; params.count is in f32.
// Launch: count / WIDTH items, folded over x and y. Traffic: reads two values, writes one.
#import lib/values.wgsl:value
#import lib/lanes.wgsl:items

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
#operand @binding(1) x: Value
@group(0) @binding(2) var<storage, read_write> sum: array<Value>;

fn items() -> u32 {
    return params.count / WIDTH;
}

fn take(item: u32, lane: u32) {
    sum[item] += x_at(item);
}
