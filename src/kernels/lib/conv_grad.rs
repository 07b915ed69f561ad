//! What the gradients of convolutions share.

use super::case::layout_name;
use super::geometry::Geometry;
use super::params::Lanes;
use crate::caps::Layout;

/// A convolution whose gradients are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Params {
    /// Input channels.
    pub c: u32,
    /// Input rows.
    pub h: u32,
    /// Input columns.
    pub w: u32,
    /// Output channels.
    pub out_c: u32,
    /// Output rows, (h + 2 padding - kernel) / stride + 1.
    pub out_h: u32,
    /// Output columns.
    pub out_w: u32,
    /// Rows and columns of the window.
    pub kernel: u32,
    /// Distance of windows.
    pub stride: u32,
    /// Zeros around the input.
    pub padding: u32,
    /// How channels and pixels lie.
    pub layout: Layout,
    /// Flat index of the weight `[out_c][c][kernel][kernel]`.
    pub weight_offset: u32,
    /// 1: the layer's input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`. Of the weight's gradient.
    pub from_batch: u32,
    /// 1: the weight's gradient goes on from what is there.
    pub accumulate: u32,
}

impl Params {
    /// The layer's sizes.
    pub fn geometry(&self) -> Geometry {
        Geometry {
            input: [self.c, self.h, self.w],
            output: [self.out_c, self.out_h, self.out_w],
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            layout: self.layout,
        }
    }

    /// Operations of either gradient.
    pub fn cost(&self, lanes: &Lanes) -> u64 {
        self.geometry().cost(lanes)
    }

    /// Pixels of the largest lane in the largest of the stride's classes (`shaders/lib/images.wgsl:classes`).
    pub fn class_pixels(&self, lanes: &Lanes) -> u32 {
        lanes.max_rows * self.h.div_ceil(self.stride) * self.w.div_ceil(self.stride)
    }

    /// Of a case; its weight begins at the second f32 of a lane's.
    pub fn of_case(shape: Shape, layout: Layout, from_batch: u32, accumulate: u32) -> Self {
        let (c, out_c, h, w, kernel, stride, padding) = shape;
        let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
        let (out_h, out_w) = (out(h), out(w));
        Self { c, h, w, out_c, out_h, out_w, kernel, stride, padding, layout, weight_offset: 1, from_batch, accumulate }
    }
}

/// Constants that are there for speed alone.
pub const SPEED: &[&str] =
    &["IN_C", "IN_H", "IN_W", "OUT_C", "OUT_H", "OUT_W", "KERNEL", "STRIDE", "PADDING", "DY_QUADS"];

/// The input place under tap `k` of output `o`, if it lies in the image.
pub fn tap(o: usize, k: usize, g: &Geometry, size: u32) -> Option<usize> {
    let at = (o * g.stride as usize + k).checked_sub(g.padding as usize)?;
    (at < size as usize).then_some(at)
}

/// The sizes of a case: channels, output channels, rows and columns of the input, kernel, stride, padding.
pub type Shape = (u32, u32, u32, u32, u32, u32, u32);

/// Those of cases with channels last: the larger ones, of which two are built for their sizes.
pub const LAST_SHAPES: [(Shape, bool); 4] = [SHAPES[1], SHAPES[5], SHAPES[6], SHAPES[9]];

/// Those of cases of products by tiles: two slabs of 16 channels with and without stride beside those that nothing divides.
pub const TILED_SHAPES: [(Shape, bool); 8] = [
    SHAPES[0],
    SHAPES[1],
    SHAPES[2],
    SHAPES[4],
    SHAPES[9],
    ((32, 32, 7, 6, 3, 2, 1), true),
    ((12, 48, 5, 9, 1, 2, 0), false),
    // Split, and whole quads of channels.
    ((8, 20, 12, 11, 3, 1, 1), false),
];

/// All of them, with their layouts.
pub fn cases() -> impl Iterator<Item = (Shape, Layout, bool)> {
    let of = |layout| move |(shape, fitted)| (shape, layout, fitted);
    SHAPES.into_iter().map(of(Layout::ChannelsFirst)).chain(LAST_SHAPES.into_iter().map(of(Layout::ChannelsLast)))
}

/// Those of cases, and whether kernels are built for them.
pub const SHAPES: [(Shape, bool); 10] = [
    ((1, 1, 1, 1, 1, 1, 0), false),
    ((3, 10, 11, 9, 5, 1, 2), false),
    ((9, 5, 7, 8, 3, 2, 1), false),
    ((4, 9, 6, 6, 1, 2, 0), false),
    ((2, 3, 10, 9, 4, 3, 0), false),
    // More than a tile of channels, quads of pixels; a border that no window reaches; one output pixel.
    ((37, 70, 8, 8, 3, 1, 1), true),
    ((35, 33, 9, 16, 3, 2, 1), true),
    ((6, 4, 8, 8, 1, 2, 0), false),
    ((5, 6, 3, 3, 3, 1, 0), false),
    // Sixteen parts a block on a GPU, ten on a software adapter.
    ((2, 5, 40, 34, 3, 1, 1), false),
];

/// Rows of the lanes of cases, and how many they are.
pub const ROWS: ([u32; 3], u32) = ([9, 1, 20], 30);

/// Sizes and layout in the name of a case.
pub fn text((c, out_c, h, w, kernel, stride, padding): Shape, layout: Layout) -> String {
    let layout = layout_name(layout);
    format!("{c}x{h}x{w} to {out_c} kernel {kernel} stride {stride} padding {padding}{layout}")
}
