// What a client's step adds to its gradient:
//   g[base + i] += decay * w[base + i] + pull * (w[base + i] - shared[i])
// for each lane's own weights: weight decay, and the pull towards the shared weights (FedProx). SCALED: times the lane's scale, the
// reciprocal of its factor; where that is 0 nothing happens. One weight a thread.
// Launch: count items folded over x and y, z = lanes. Traffic: reads three f32, writes one.
#import lib/lanes.wgsl:items
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:scales

struct Params {
    count: u32,
    decay: f32,
    pull: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> shared_weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;
#ifdef SCALED
@group(0) @binding(5) var<storage, read> factors: array<f32>;
#endif

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    var decay = params.decay;
    var pull = params.pull;
#ifdef SCALED
    let factor = factors[lane];
    if factor == 0.0f {
        return;
    }
    let scale = reciprocal(bitcast<u32>(factor));
    decay *= scale;
    pull *= scale;
#endif
    let at = lanes[lane].weight_base + item;
    let w = weights[at];
    gradients[at] = gradients[at] + decay * w + pull * (w - shared_weights[item]);
}
