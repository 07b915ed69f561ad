// A step of each lane's own weights:
//   w[base + i] -= lr * g[base + i]
// With MOMENTUM u[base + i] = momentum * u[base + i] + g[base + i] takes the place of g; with CLIPPED g is multiplied by the lane's factor
// before. One weight a thread. Launch: count items folded over x and y, z = lanes.
// Traffic: reads two f32, writes one; with MOMENTUM one more of each.
#import lib/items.wgsl
#import lib/lane.wgsl

struct Params {
    count: u32,
    lr: f32,
    momentum: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read> gradients: array<f32>;
#ifdef MOMENTUM
@group(0) @binding(4) var<storage, read_write> velocity: array<f32>;
#ifdef CLIPPED
@group(0) @binding(5) var<storage, read> factors: array<f32>;
#endif
#else
#ifdef CLIPPED
@group(0) @binding(4) var<storage, read> factors: array<f32>;
#endif
#endif

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    let at = lanes[lane].weight_base + item;
    var g = gradients[at];
#ifdef CLIPPED
    g *= factors[lane];
#endif
#ifdef MOMENTUM
    g = params.momentum * velocity[at] + g;
    velocity[at] = g;
#endif
    weights[at] -= params.lr * g;
}
