// acc[i] = (first ? 0 : acc[i]) + sum over clients c in order of share[c] * w[c * stride + i]; with CHANGES share[c] is multiplied by
// w[c * stride + i] - before[i]. One weight a thread.
// Launch: count items, folded over x and y. Traffic: reads clients f32 and, unless first, one more; writes one; with CHANGES reads one
// more.
#import lib/lanes.wgsl:items

struct Params {
    count: u32,
    stride: u32,
    clients: u32,
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> share: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> acc: array<f32>;
#ifdef CHANGES
@group(0) @binding(4) var<storage, read> before: array<f32>;
#endif

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    var total = select(acc[item], 0.0f, params.first != 0u);
    for (var c = 0u; c < params.clients; c += 1u) {
        let w = weights[c * params.stride + item];
#ifdef CHANGES
        total += share[c] * (w - before[item]);
#else
        total += share[c] * w;
#endif
    }
    acc[item] = total;
}
