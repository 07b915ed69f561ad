//! Sizes of convolutions.

use super::params::Lanes;
use crate::caps::Layout;
use crate::recording::kernel::{Call, Variant, params};

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
    /// How channels and pixels lie, before and after.
    pub layout: Layout,
}

impl Geometry {
    /// Of a launch whose uniform block has these sizes.
    pub fn of(call: &Call<'_>, sizes: &Sizes) -> Self {
        let Sizes { in_c, in_h, in_w, out_c, out_h, out_w, kernel, stride, padding, .. } = *sizes;
        let (input, output) = ([in_c, in_h, in_w], [out_c, out_h, out_w]);
        Self { input, output, kernel, stride, padding, layout: layout_of(call) }
    }

    /// The constants that the shaders want.
    pub fn variant(&self, variant: Variant) -> Variant {
        let variant = variant
            .with("IN_C", self.input[0])
            .with("IN_H", self.input[1])
            .with("IN_W", self.input[2])
            .with("OUT_C", self.output[0])
            .with("OUT_H", self.output[1])
            .with("OUT_W", self.output[2]);
        self.window(variant).with("CHANNELS_LAST", self.layout.last())
    }

    /// Those of shaders that read the images' sizes from the uniform block.
    pub fn window(&self, variant: Variant) -> Variant {
        variant.with("KERNEL", self.kernel).with("STRIDE", self.stride).with("PADDING", self.padding)
    }

    /// As the uniform block has it.
    pub fn sizes(&self) -> Sizes {
        let ([in_c, in_h, in_w], [out_c, out_h, out_w]) = (self.input, self.output);
        let Self { kernel, stride, padding, .. } = *self;
        Sizes { in_c, in_h, in_w, out_c, out_h, out_w, kernel, stride, padding, ..Sizes::default() }
    }

    /// Where a value of the input lies in its sample.
    pub fn input_at(&self, channel: usize, y: usize, x: usize) -> usize {
        let [c, h, w] = self.input.map(|v| v as usize);
        self.layout.place(channel, y * w + x, c, h * w)
    }

    /// Where a value of the output lies in its sample.
    pub fn output_at(&self, channel: usize, pixel: usize) -> usize {
        self.layout.place(channel, pixel, self.output[0] as usize, self.pixels() as usize)
    }

    /// Operations of a convolution of all rows of lanes, or of either gradient.
    pub fn cost(&self, lanes: &Lanes) -> u64 {
        2 * lanes.rows * u64::from(self.depth()) * u64::from(self.output[0] * self.pixels())
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

/// Of a launch, from its constant.
pub fn layout_of(call: &Call<'_>) -> Layout {
    if call.variant.get("CHANNELS_LAST", 0) == 1 { Layout::ChannelsLast } else { Layout::ChannelsFirst }
}

params! {
    /// The sizes in a uniform block (`shaders/lib/images.wgsl:geometry`).
    #[derive(Default)]
    pub struct Sizes {
        /// Input channels.
        pub in_c: u32,
        /// Input rows.
        pub in_h: u32,
        /// Input columns.
        pub in_w: u32,
        /// Output channels.
        pub out_c: u32,
        /// Output rows.
        pub out_h: u32,
        /// Output columns.
        pub out_w: u32,
        /// Rows and columns of the window.
        pub kernel: u32,
        /// Distance of windows.
        pub stride: u32,
        /// Zeros around the input.
        pub padding: u32,
        /// A uniform block's struct ends on a multiple of 16 bytes.
        pub unused: u32,
        /// Alike.
        pub also_unused: u32,
        /// Alike.
        pub still_unused: u32,
    }
}
