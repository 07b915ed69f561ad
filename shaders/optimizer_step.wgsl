// A server's step with a gradient-like vector D that is added, element by element (docs/methods.md). Defines say which moments there are:
//   none:           w += lr D
//   FIRST:          m = beta1 m + rest1 D;  w += lr m
//   FIRST, SECOND:  m likewise, v = beta2 v + rest2 D^2;  w += lr (m correct1) / (sqrt(v correct2) + epsilon)
//   SECOND:         v likewise;  w += lr D / sqrt(v + epsilon)
// Elements from `parameters` on are running statistics: w += D. One weight a thread. Launch: count items, folded over x and y.
// Traffic: reads and writes w and each moment, reads D.
#import lib/lanes.wgsl:items

struct Params {
    count: u32,
    parameters: u32,
    lr: f32,
    epsilon: f32,
    beta1: f32,
    rest1: f32,
    correct1: f32,
    beta2: f32,
    rest2: f32,
    correct2: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> delta: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
#ifdef FIRST
@group(0) @binding(3) var<storage, read_write> first: array<f32>;
#ifdef SECOND
@group(0) @binding(4) var<storage, read_write> second: array<f32>;
#endif
#else
#ifdef SECOND
@group(0) @binding(3) var<storage, read_write> second: array<f32>;
#endif
#endif

// sqrt(0) is 1 / inverseSqrt(0) on some devices: kept away from it.
fn root(x: f32) -> f32 {
    return select(0.0f, sqrt(max(x, 1.1754944e-38f)), x > 0.0f);
}

fn items() -> u32 {
    return params.count;
}

fn take(i: u32, lane: u32) {
    let d = delta[i];
    if i >= params.parameters {
        weights[i] += d;
        return;
    }
    var direction = d;
#ifdef FIRST
    let m = params.beta1 * first[i] + params.rest1 * d;
    first[i] = m;
    direction = m;
#endif
#ifdef SECOND
    let v = params.beta2 * second[i] + params.rest2 * (d * d);
    second[i] = v;
#ifdef FIRST
    direction = direction * params.correct1 / (root(v * params.correct2) + params.epsilon);
#else
    direction = direction / root(v + params.epsilon);
#endif
#endif
    weights[i] += params.lr * direction;
}
