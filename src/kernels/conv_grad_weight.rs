//! Gradients of convolutions' weights.

use super::lib::conv_grad::{self, ROWS, SPEED, Shape, tap, text};
use super::lib::geometry::{Geometry, Sizes};
use super::lib::matrix::operands;
use super::lib::params::{Lane, Lanes};
use super::lib::parts::{Cut, Sum, SumSplit, Target, Tensors, WeightSum, work};
use super::lib::tiles::{PART_QUADS, Tiles};
use super::lib::tiling::{Gradient, Tiling};
use super::lib::{Case, Fixture, rounding};
use super::{conv_strips_grad_weight, part_sums, tiled_conv_grad_weight};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};
use crate::shaders::ANY_SHAPE;

pub use super::lib::conv_grad::Params;

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("conv_grad_weight", twin).with_defines(&[ANY_SHAPE]).with_speed(SPEED);

params! {
    /// The uniform block.
    pub struct Uniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// The sizes, for kernels that are built for any.
        pub sizes: Sizes,
        /// Where it goes.
        pub sum: WeightSum,
    }
}

impl Params {
    /// f32 of the weight.
    pub fn weight_len(&self) -> u32 {
        self.out_c * self.geometry().depth()
    }

    /// Tiles of the weight that workgroups sum, (c, i, j) and o.
    fn weight_tiles(&self, tiling: Tiling) -> [u32; 2] {
        [self.geometry().depth().div_ceil(tiling.tile_columns()), self.out_c.div_ceil(tiling.tile_rows())]
    }

    /// The blocking of a sum that is split or not.
    fn blocking(&self, tiling: Tiling, split: bool) -> Tiling {
        let by_taps = conv_strips_grad_weight::blocking(self, tiling);
        by_taps.unwrap_or_else(|| if split { tiling.one_sum() } else { tiling.two_sums() }.for_rows(self.out_c))
    }

    /// How the weight's gradient is split.
    pub fn weight_split(&self, how: Gradient) -> Option<SumSplit> {
        if let Some(tiles) = Tiles::of(how.way) {
            return tiled_conv_grad_weight::split(self, &tiles);
        }
        let tiling = how.tiling;
        let count = |tiling| self.weight_tiles(tiling).iter().product();
        let (whole, split) = (self.blocking(tiling, false), self.blocking(tiling, true));
        let sum = Sum {
            sample_rows: 1,
            row: self.geometry().pixels().div_ceil(4),
            terms: 4,
            whole: count(whole),
            split: count(split),
            wanted: tiling.workgroups(),
            least: tiling.part_terms(),
            multiple: 1,
        };
        sum.splitting()
    }
}

/// Records `dW` into the lanes' gradients, from `x` `[rows][c][h][w]` and `dy`.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: Gradient, params: &Params, x: Span, dy: Span, target: &Target) {
    if let Some(tiles) = Tiles::of(how.way) {
        return tiled_conv_grad_weight::record(rec, lanes, &tiles, params, x, dy, target);
    }
    let split = params.weight_split(how);
    let tiling = params.blocking(how.tiling, split.is_some());
    let by_taps = conv_strips_grad_weight::blocking(params, how.tiling).is_some();
    let kernel = if by_taps { &conv_strips_grad_weight::KERNEL } else { &KERNEL };
    let (geometry, [columns, rows]) = (params.geometry(), params.weight_tiles(tiling));
    let quads = u32::from(geometry.pixels().is_multiple_of(4));
    let variant = geometry.variant(tiling.variant()).with("DY_QUADS", quads).with("SPLIT", u32::from(split.is_some()));
    let (row, tensors) = (geometry.pixels().div_ceil(4), Tensors::one(params.weight_offset, params.weight_len()));
    let cost = params.cost(lanes);
    part_sums::record(rec, lanes, split, row, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let sum = WeightSum::of(launch, tensors, params.from_batch);
        let uniforms = Uniforms { cut: launch.cut, sizes: geometry.sizes(), sum };
        let bound = [lanes.table, dy, x, launch.sums];
        let grid = [columns, rows, launch.layers];
        rec.dispatch(kernel, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}

/// `dW[oc][ic][ky][kx]`, summed over samples and output pixels, by parts.
pub(super) fn twin(call: &Call<'_>) {
    twin_of_units(call, 4);
}

/// The same with parts that are counted in units of so many pixels of a sample.
pub(super) fn twin_of_units(call: &Call<'_>, unit_pixels: usize) {
    let p: Uniforms = call.params();
    let g = Geometry::of(call, &p.sizes);
    let ([c, h, w], [out_c, out_h, out_w]) = (g.input.map(|v| v as usize), g.output.map(|v| v as usize));
    let k = g.kernel as usize;
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(3), call.read::<f32>(2));
    let (x, dy) = (operands(call.variant, &x), operands(call.variant, &dy));
    let mut gradients = call.write::<f32>(4);
    let (plane, size) = (out_w * out_h, out_c * c * k * k);
    let quads = plane.div_ceil(unit_pixels);
    for work in work(&p.cut, &lanes, call.grid[2], size as u32) {
        let lane = work.lane;
        let first = if p.sum.from_batch != 0 { lane.x_row } else { lane.row0 } as usize;
        let gradient = &mut gradients[work.base.wrapping_add(p.sum.offset) as usize..][..size];
        for (i, total) in gradient.iter_mut().enumerate() {
            let (oc, ic, ky, kx) = if call.variant.defines().contains(&PART_QUADS) {
                (i / (c * k * k), i % c, i / (k * c) % k, i / c % k)
            } else {
                (i / (c * k * k), i / (k * k) % c, i / k % k, i % k)
            };
            if p.sum.accumulate == 0 {
                *total = 0.0;
            }
            for part in &work.parts {
                let mut sum = 0.0;
                for unit in part.clone() {
                    let (s, quad) = (unit / quads, unit % quads * unit_pixels);
                    for u in quad..plane.min(quad + unit_pixels) {
                        let (oy, ox) = (u / out_w, u % out_w);
                        let (Some(iy), Some(ix)) = (tap(oy, ky, &g, g.input[1]), tap(ox, kx, &g, g.input[2])) else {
                            continue;
                        };
                        let slope = dy[(lane.row0 as usize + s) * out_c * plane + g.output_at(oc, u)];
                        sum += slope * x[(first + s) * c * h * w + g.input_at(ic, iy, ix)];
                    }
                }
                *total += sum;
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    conv_grad::cases()
        .flat_map(|(shape, layout, fitted)| {
            let how = |f: &Fixture<'_>| Gradient::by_shuffles(f.tiling());
            [0, 1].map(|from_batch| case("conv_grad_weight", shape, layout, from_batch, 8, how).fitted(fitted))
        })
        .collect()
}

/// A case of the kernels that compute this, `how` it is done: sums of so many samples begin at 0.
pub(super) fn case(
    kernel: &str,
    shape: Shape,
    layout: Layout,
    from_batch: u32,
    samples: u32,
    how: impl Fn(&Fixture<'_>) -> Gradient + Send + Sync + 'static,
) -> Case {
    let params = move |accumulate| Params::of_case(shape, layout, from_batch, accumulate);
    let (geometry, (rows, total)) = (params(0).geometry(), ROWS);
    // A product and a sum for each of the samples' pixels; three blocks, run twice. Split, a part has the fewer, at least
    // 256 terms, for the up to 16 that are added.
    let tolerance = rounding(2 * samples * geometry.pixels() + 6);
    Case::new(format!("{kernel} {} from_batch {from_batch}", text(shape, layout)), tolerance, move |f| {
        let len = params(0).weight_len();
        let lanes = f.lanes(&rows, len + 1);
        let values = |of: [u32; 3]| (total * of.iter().product::<u32>()) as usize;
        let (x, dy) = (f.random("x", values(geometry.input)), f.random("dy", values(geometry.output)));
        let slots = if from_batch == 0 { 200 } else { 11 };
        let target = f.target(rows.len() * (len + 1) as usize, slots * len);
        let mut rec = Recording::new();
        for accumulate in [0, 1] {
            record(&mut rec, &lanes, how(f), &params(accumulate), x, dy, &target);
        }
        rec.read_back(target.gradients);
        rec
    })
}
