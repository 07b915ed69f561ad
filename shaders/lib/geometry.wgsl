// Sizes of a convolution. They are constant so that divisions by them compile to multiplications.
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
