// Sizes of a convolution. They are constant so that divisions by them compile to multiplications. With ANY_SHAPE they come from the
// uniform block, so that one pipeline serves all sizes. A kernel has `sizes` in its Params, calls load_geometry() before it uses them, and
// names them as constants either way.
#import lib/layout.wgsl

struct Sizes {
    in_c: u32,
    in_h: u32,
    in_w: u32,
    out_c: u32,
    out_h: u32,
    out_w: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
    also_unused: u32,
    still_unused: u32,
}

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
const IN_C: u32 = 1u;
const IN_H: u32 = 1u;
const IN_W: u32 = 1u;
const OUT_C: u32 = 1u;
const OUT_H: u32 = 1u;
const OUT_W: u32 = 1u;
const KERNEL: u32 = 1u;
const STRIDE: u32 = 1u;
const PADDING: u32 = 0u;
const DEPTH: u32 = IN_C * KERNEL * KERNEL;
const PIXELS: u32 = OUT_H * OUT_W;

fn load_geometry() {}
#endif
