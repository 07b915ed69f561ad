// What the ways of computing a convolution share: its uniform block, and what follows the product.
#import lib/rectify.wgsl
#import lib/lane.wgsl
#import lib/geometry.wgsl
struct Params {
    sizes: Sizes,
    weight_offset: u32,
    bias_offset: u32,
    from_batch: u32,
    relu: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// params.relu as a constant: some drivers load a uniform anew for each value stored.
const RELU: u32 = 0u;

fn relu() -> bool {
#ifdef ANY_SHAPE
    return params.relu == 1u;
#else
    return RELU == 1u;
#endif
}
