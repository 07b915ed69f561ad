// w[i] += lr * (acc[i] - w[i]); exactly acc[i] where lr is 1. One weight a thread. Launch: count items, folded over x and y.
// Traffic: reads two f32, writes one.
#import lib/lanes.wgsl:items

struct Params {
    count: u32,
    lr: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> acc: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    let w = weights[item];
    let mean = acc[item];
    weights[item] = select(w + params.lr * (mean - w), mean, params.lr == 1.0f);
}
