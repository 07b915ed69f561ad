// Sizes of a convolution: constants (lib/fixed_geometry.wgsl), or with ANY_SHAPE from the uniform block, so that one pipeline serves
// all sizes. A kernel has `sizes` in its Params, calls load_geometry() before it uses them, and names them as constants either way.
#import lib/layout.wgsl
#import lib/sizes.wgsl

#ifdef ANY_SHAPE
var<private> IN_C: u32;
var<private> IN_H: u32;
var<private> IN_W: u32;
var<private> OUT_C: u32;
var<private> OUT_H: u32;
var<private> OUT_W: u32;
var<private> KERNEL: u32;
var<private> STRIDE: u32;
var<private> PADDING: u32;
var<private> DEPTH: u32;
var<private> PIXELS: u32;

fn load_geometry() {
    IN_C = params.sizes.in_c;
    IN_H = params.sizes.in_h;
    IN_W = params.sizes.in_w;
    OUT_C = params.sizes.out_c;
    OUT_H = params.sizes.out_h;
    OUT_W = params.sizes.out_w;
    KERNEL = params.sizes.kernel;
    STRIDE = params.sizes.stride;
    PADDING = params.sizes.padding;
    DEPTH = IN_C * KERNEL * KERNEL;
    PIXELS = OUT_H * OUT_W;
}
#else
#import lib/fixed_geometry.wgsl
#endif
