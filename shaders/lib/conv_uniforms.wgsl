// What is bound to every convolution beside its operands.
#import lib/lane.wgsl
#import lib/sizes.wgsl
struct Params {
    sizes: Sizes,
    weight_offset: u32,
    bias_offset: u32,
    from_batch: u32,
    relu: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
