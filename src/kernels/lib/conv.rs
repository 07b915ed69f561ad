//! What convolutions share that leave moments of their output and that don't.

use super::geometry::{Geometry, Sizes};
use super::halves;
use super::math::rectify;
use super::matrix::operands;
use super::params::{ABSENT, Lane, Lanes};
use super::strips::Strips;
use super::tiling::{Operands, Product, Tiling};
use super::weight::weights;
use crate::recording::Span;
use crate::recording::kernel::{Call, Kernel, Twin, Variant, params};
use crate::shaders::{ANY_SHAPE, IN_HALVES};

/// A convolution beside its sizes.
#[derive(Clone, Copy, Debug)]
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

params! {
    /// The uniform block.
    pub struct Uniforms {
        /// The sizes, for kernels that are built for any.
        pub sizes: Sizes,
        /// As in [`Params`].
        pub weight_offset: u32,
        /// As in [`Params`].
        pub bias_offset: u32,
        /// As in [`Params`].
        pub from_batch: u32,
        /// As in [`Params`].
        pub relu: u32,
    }
}

impl Params {
    /// The uniform block, beside the sizes.
    pub fn uniforms(&self, geometry: &Geometry) -> Uniforms {
        let Self { weight_offset, bias_offset, from_batch, relu } = *self;
        Uniforms { sizes: geometry.sizes(), weight_offset, bias_offset, from_batch, relu }
    }
}

/// The row of a convolution's kernel.
pub const fn kernel(name: &'static str, twin: Twin) -> Kernel {
    Kernel::new::<Uniforms>(name, twin).with_defines(&[ANY_SHAPE]).with_speed(SPEED)
}

/// Constants that are there for speed alone.
pub const SPEED: &[&str] = &[
    "IN_C",
    "IN_H",
    "IN_W",
    "OUT_C",
    "OUT_H",
    "OUT_W",
    "KERNEL",
    "STRIDE",
    "PADDING",
    "WEIGHT_QUADS",
    "SHORT",
    "RELU",
];

/// A launch over all rows of a chunk.
pub struct Launch {
    /// The constants.
    pub variant: Variant,
    /// The uniform block.
    pub uniforms: Uniforms,
    /// The bindings that all convolutions have.
    pub bound: [Span; 4],
    /// Workgroups.
    pub grid: [u32; 3],
    /// Estimated operations.
    pub cost: u64,
}

impl Launch {
    /// Of a convolution.
    pub fn new(lanes: &Lanes, how: &Product, geometry: &Geometry, params: &Params, io: &Operands) -> Self {
        let tiling: Tiling = how.tiling.for_rows(geometry.output[0]);
        let quads = (params.weight_offset | geometry.depth()).is_multiple_of(4);
        let variant = geometry
            .variant(how.variant(tiling, geometry.depth()))
            .with("WEIGHT_QUADS", u32::from(quads))
            .with("RELU", params.relu);
        let columns = lanes.max_rows * geometry.pixels();
        let grid =
            [geometry.output[0].div_ceil(tiling.tile_rows()), columns.div_ceil(tiling.tile_columns()), lanes.count];
        let bound = [lanes.table, io.weights, io.x, io.y];
        Self { variant, uniforms: params.uniforms(geometry), bound, grid, cost: geometry.cost(lanes) }
    }

    /// Of a convolution by strips of pixels.
    pub fn by_strips(
        lanes: &Lanes,
        how: &Product,
        strips: &Strips,
        geometry: &Geometry,
        params: &Params,
        io: &Operands,
    ) -> Self {
        Self {
            variant: strips.variant(how, geometry).with("RELU", params.relu),
            uniforms: params.uniforms(geometry),
            bound: [lanes.table, io.weights, io.x, io.y],
            grid: strips.grid(lanes, geometry),
            cost: geometry.cost(lanes),
        }
    }
}

/// The twin: each output is the sum over (c, i, j) in ascending order, then plus the bias.
pub fn twin(call: &Call<'_>) {
    halves::write(call, 4, |y| sums(call, y));
}

/// The outputs of a launch, into `y`.
pub fn sums(call: &Call<'_>, y: &mut [f32]) {
    let p: Uniforms = call.params();
    let g = Geometry::of(call, &p.sizes);
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), halves::read(call, 3, IN_HALVES));
    let x = operands(call.variant, &x);
    let perturb = call.variant.get("PERTURB", 0);
    let [ic, ih, iw] = g.input.map(|n| n as usize);
    let [oc, oh, ow] = g.output.map(|n| n as usize);
    let (k, stride, padding) = (g.kernel as usize, g.stride as usize, g.padding as usize);
    for lane in lanes.iter().take(call.grid[2] as usize) {
        let filters = weights(&all, lane, perturb, p.weight_offset, (oc * ic * k * k) as u32);
        let filters = operands(call.variant, &filters);
        let bias = if p.bias_offset == ABSENT {
            vec![0.0; oc]
        } else {
            weights(&all, lane, perturb, p.bias_offset, oc as u32)
        };
        let first = if p.from_batch == 1 { lane.x_row } else { lane.row0 } as usize;
        for row in 0..lane.rows as usize {
            let x = &x[(first + row) * ic * ih * iw..][..ic * ih * iw];
            let y = &mut y[(lane.row0 as usize + row) * oc * oh * ow..][..oc * oh * ow];
            for i in 0..y.len() {
                let (o, top, left) = (i / (oh * ow), i / ow % oh * stride, i % ow * stride);
                let mut sum = 0.0;
                for (tap, w) in filters[o * ic * k * k..][..ic * k * k].iter().enumerate() {
                    let (c, row, column) = (tap / (k * k), top + tap / k % k, left + tap % k);
                    let inside = (padding..padding + ih).contains(&row) && (padding..padding + iw).contains(&column);
                    if inside {
                        sum += x[g.input_at(c, row - padding, column - padding)] * w;
                    }
                }
                sum += bias[o];
                y[g.output_at(o, i % (oh * ow))] = if p.relu == 1 { rectify(sum) } else { sum };
            }
        }
    }
}

/// Mean and sum of squared deviations.
pub fn moments(values: &[f32]) -> [f32; 2] {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    [mean, values.iter().map(|v| (v - mean) * (v - mean)).sum()]
}
