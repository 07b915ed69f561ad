// A step of each lane's own weights:
//   w[base + i] -= lr * g[base + i]
// With MOMENTUM u[base + i] = momentum * u[base + i] + g[base + i] takes the place of g; with CLIPPED g is multiplied by the lane's factor
// before; with SCALED, too, nothing happens where that is 0. A Value of weights a thread (lib/values.wgsl:value, QUADS where all lanes'
// begin on quads); of the last one what lies behind the weights stays as it is.
// Launch: Values folded over x and y, z = lanes. Traffic: reads two f32, writes one; with MOMENTUM one more of each.
#import lib/lanes.wgsl:items
#import lib/lanes.wgsl:lane
#import lib/values.wgsl:value

struct Params {
    count: u32,
    lr: f32,
    momentum: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read_write> weights: array<Value>;
@group(0) @binding(3) var<storage, read> gradients: array<Value>;
#ifdef MOMENTUM
@group(0) @binding(4) var<storage, read_write> velocity: array<Value>;
#ifdef CLIPPED
@group(0) @binding(5) var<storage, read> factors: array<f32>;
#endif
#else
#ifdef CLIPPED
@group(0) @binding(4) var<storage, read> factors: array<f32>;
#endif
#endif

// What becomes of a Value of which `count` f32 are weights.
fn kept(old: Value, then: Value, count: u32) -> Value {
#ifdef QUADS
    return select(old, then, vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(count));
#else
    return then;
#endif
}

fn items() -> u32 {
    return (params.count + WIDTH - 1u) / WIDTH;
}

fn take(item: u32, lane: u32) {
    let count = params.count - item * WIDTH;
    let at = lanes[lane].weight_base / WIDTH + item;
    var g = gradients[at];
#ifdef CLIPPED
#ifdef SCALED
    if factors[lane] == 0.0f {
        return;
    }
#endif
    g *= factors[lane];
#endif
#ifdef MOMENTUM
    let before = velocity[at];
    g = params.momentum * before + g;
    velocity[at] = kept(before, g, count);
#endif
    let w = weights[at];
    weights[at] = kept(w, w - params.lr * g, count);
}
