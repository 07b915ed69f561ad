// Sizes of a convolution as they lie in a uniform block.
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
