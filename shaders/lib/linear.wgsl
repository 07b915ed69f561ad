// What the ways of computing a linear layer share: its uniform block, and what follows the product.
// Y[row][o] = act(b[o] + sum_k W[o][k] * X[row][k]) + R[row][o], ACTIVATION 0: none, 1: max(0, v), 2: v / 2 (1 + erf(v / sqrt 2)).
// RESIDUAL 1: R is added (never behind an activation), 0: it isn't read.
#import lib/rectify.wgsl
#import lib/lane.wgsl
#import lib/math.wgsl
struct Params {
    inputs: u32,
    outputs: u32,
    // Flat indices of the two tensors; the bias one is 0xffffffff where there is none.
    weight_offset: u32,
    bias_offset: u32,
    // 1: rows of X start at lane.x_row (the batch, shared by probes), 0: at lane.row0.
    from_batch: u32,
    // 0: none, 1: ReLU, 2: GELU.
    activation: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// params.activation as a constant.
const ACTIVATION: u32 = 0u;
const RESIDUAL: u32 = 0u;

fn activation() -> u32 {
#ifdef ANY_SHAPE
    return params.activation;
#else
    return ACTIVATION;
#endif
}

fn activated(sum: f32) -> f32 {
    if (activation() == 1u) { return rectify(sum); }
    if (activation() == 2u) { return 0.5f * sum * (1.0f + erf_f32(sum * 0.70710678f)); }
    return sum;
}
