//! Convolutions, forward.

use super::moments::{Moments, Parts};
use super::params::Lanes;
use super::tiling::{Operands, Product};
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference::conv as twins;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("conv", twins::conv);

/// The same, with moments of the output for a group norm.
pub static GROUP_MOMENTS: Kernel = Kernel::new::<Params>("conv_group_moments", twins::conv_group_moments);

/// The same, with moments of the output for a batch norm.
pub static CHANNEL_MOMENTS: Kernel = Kernel::new::<Params>("conv_channel_moments", twins::conv_channel_moments);

params! {
    /// The uniform block.
    pub struct Params {
        /// Flat index of the weight `[oc, ic, k, k]`.
        pub weight_offset: u32,
        /// Flat index of the bias; `u32::MAX`: none.
        pub bias_offset: u32,
        /// 1: inputs are the batch (`x_row`), 0: an activation (`row0`).
        pub from_batch: u32,
        /// 1: ReLU follows.
        pub relu: u32,
    }
}

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

/// Records the convolution of all rows of a chunk. With `moments`, those of the output are left there; there must be no ReLU then.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    geometry: &Geometry,
    params: &Params,
    io: &Operands,
    moments: Option<(Moments, Span)>,
) {
    let tiling = how.tiling.for_rows(geometry.output[0]);
    let quads = (params.weight_offset | geometry.depth()).is_multiple_of(4);
    let variant = geometry
        .variant(how.variant(tiling, geometry.depth()))
        .with("WEIGHT_QUADS", u32::from(quads))
        .with("RELU", params.relu);
    let columns = lanes.max_rows * geometry.pixels();
    let grid = [geometry.output[0].div_ceil(tiling.tile_rows()), columns.div_ceil(tiling.tile_columns()), lanes.count];
    let products = u64::from(geometry.output[0] * geometry.pixels()) * u64::from(geometry.depth());
    let (bound, cost) = ([lanes.table, io.weights, io.x, io.y], 2 * lanes.rows * products);
    let Some((Moments { parts, .. }, to)) = moments else {
        return rec.dispatch(&KERNEL, variant, params, &bound, grid, cost);
    };
    let (kernel, variant) = match parts {
        Parts::Groups { segment, .. } => (&GROUP_MOMENTS, variant.with("SEGMENT", segment)),
        Parts::Channels { .. } => (&CHANNEL_MOMENTS, variant),
    };
    rec.dispatch(kernel, variant, params, &[bound.as_slice(), &[to]].concat(), grid, cost);
}
