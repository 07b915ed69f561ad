//! Sizes of convolutions.

use crate::recording::kernel::{Call, Variant};

/// Sizes of a convolution: samples `[in_c, in_h, in_w]` to `[out_c, out_h, out_w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Channels, height and width before.
    pub input: [u32; 3],
    /// After.
    pub output: [u32; 3],
    /// Side of the kernel.
    pub kernel: u32,
    /// Step.
    pub stride: u32,
    /// Zeros on every side.
    pub padding: u32,
}

impl Geometry {
    /// Of a launch, from its constants.
    pub fn of(call: &Call<'_>) -> Self {
        let get = |name| call.variant.get(name, 1);
        Self {
            input: [get("IN_C"), get("IN_H"), get("IN_W")],
            output: [get("OUT_C"), get("OUT_H"), get("OUT_W")],
            kernel: get("KERNEL"),
            stride: get("STRIDE"),
            padding: call.variant.get("PADDING", 0),
        }
    }

    /// The constants that the shaders want.
    pub fn variant(&self, variant: Variant) -> Variant {
        variant
            .with("IN_C", self.input[0])
            .with("IN_H", self.input[1])
            .with("IN_W", self.input[2])
            .with("OUT_C", self.output[0])
            .with("OUT_H", self.output[1])
            .with("OUT_W", self.output[2])
            .with("KERNEL", self.kernel)
            .with("STRIDE", self.stride)
            .with("PADDING", self.padding)
    }

    /// Products of an output value.
    pub fn depth(&self) -> u32 {
        self.input[0] * self.kernel * self.kernel
    }

    /// Output pixels of a channel.
    pub fn pixels(&self) -> u32 {
        self.output[1] * self.output[2]
    }
}
