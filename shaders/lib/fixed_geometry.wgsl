// Sizes of a convolution as constants, so that divisions by them compile to multiplications and windows to straight lines of code.
#import lib/layout.wgsl
#import lib/sizes.wgsl

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
