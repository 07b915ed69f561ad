// What the ways of computing a convolution as a matrix product share: its sizes, and what follows the product.
#import lib/rectify.wgsl
#import lib/geometry.wgsl
#import lib/conv_uniforms.wgsl

// params.relu as a constant: some drivers load a uniform anew for each value stored.
const RELU: u32 = 0u;

fn relu() -> bool {
#ifdef ANY_SHAPE
    return params.relu == 1u;
#else
    return RELU == 1u;
#endif
}
