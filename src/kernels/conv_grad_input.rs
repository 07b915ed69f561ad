//! Gradients of convolutions' inputs.

use super::lib::conv_grad::{self, ROWS, SPEED, Shape, tap, text};
use super::lib::geometry::{Geometry, Sizes};
use super::lib::matrix::operands;
use super::lib::params::{Lane, Lanes};
use super::lib::strips::Strips;
use super::lib::tile_order::Order;
use super::lib::tiles::Tiles;
use super::lib::tiling::{Gradient, Operands};
use super::lib::{Case, Fixture, rounding};
use super::{conv_strips_grad_input, tiled_conv_grad_input};
use crate::caps::Layout;
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel, params};
use crate::shaders::ANY_SHAPE;

pub use super::lib::conv_grad::Params;

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("conv_grad_input", twin).with_defines(&[ANY_SHAPE]).with_speed(SPEED);

params! {
    /// The uniform block.
    pub struct Uniforms {
        /// The sizes, for kernels that are built for any.
        pub sizes: Sizes,
        /// Flat index of the weight.
        pub weight_offset: u32,
    }
}

/// Records `dx`, that is `io.y`, `[rows][c][h][w]`, from `dy`, `io.x`, `[rows][out_c][out_h][out_w]`.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: Gradient, params: &Params, io: &Operands) {
    if let Some(tiles) = Tiles::of(how.way) {
        return tiled_conv_grad_input::record(rec, lanes, &tiles, params, io);
    }
    if let Some(strips) = Strips::of_gradient(how.tiling, &params.geometry()) {
        return conv_strips_grad_input::record(rec, lanes, &strips, params, io);
    }
    let tiling = how.tiling.for_rows(params.c);
    let variant = params.geometry().variant(tiling.variant());
    let tiles = [params.c.div_ceil(tiling.tile_rows()), params.class_pixels(lanes).div_ceil(tiling.tile_columns())];
    let grid = lanes.grid(tiles[0] * params.stride * params.stride, tiles[1]);
    let bound = [lanes.table, io.weights, io.x, io.y];
    let uniforms = Uniforms { sizes: params.geometry().sizes(), weight_offset: params.weight_offset };
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, grid, params.cost(lanes));
}

/// `dx[row][ic][iy][ix]`, summed over (ky, kx, oc) in this order.
pub(super) fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let g = Geometry::of(call, &p.sizes);
    let ([c, h, w], [out_c, out_h, out_w]) = (g.input.map(|v| v as usize), g.output.map(|v| v as usize));
    let k = g.kernel as usize;
    let (lanes, weights, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (weights, dy) = (operands(call.variant, &weights), operands(call.variant, &dy));
    let mut dx = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = &weights[lane.weight_base.wrapping_add(p.weight_offset) as usize..];
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            dx[row * c * h * w..][..c * h * w].fill(0.0);
            for (ky, kx) in (0..k * k).map(|i| (i / k, i % k)) {
                for oc in 0..out_c {
                    for (oy, ox) in (0..out_h * out_w).map(|i| (i / out_w, i % out_w)) {
                        let (Some(iy), Some(ix)) = (tap(oy, ky, &g, g.input[1]), tap(ox, kx, &g, g.input[2])) else {
                            continue;
                        };
                        let slope = dy[row * out_c * out_h * out_w + g.output_at(oc, oy * out_w + ox)];
                        for ic in 0..c {
                            dx[row * c * h * w + g.input_at(ic, iy, ix)] +=
                                slope * weight[((oc * c + ic) * k + ky) * k + kx];
                        }
                    }
                }
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let how = |f: &Fixture<'_>| Gradient::by_shuffles(f.tiling());
    let of = |(shape, layout, fitted)| case("conv_grad_input", shape, layout, how).fitted(fitted);
    conv_grad::cases().map(of).collect()
}

/// A case of the kernels that compute this, `how` it is done.
pub(super) fn case(
    kernel: &str,
    shape: Shape,
    layout: Layout,
    how: impl Fn(&Fixture<'_>) -> Gradient + Send + Sync + 'static,
) -> Case {
    let params = Params::of_case(shape, layout, 0, 0);
    let (geometry, (rows, total)) = (params.geometry(), ROWS);
    let tolerance = rounding(2 * params.out_c * params.kernel * params.kernel);
    Case::new(format!("{kernel} {}", text(shape, layout)), tolerance, move |f| {
        let stride = params.out_c * geometry.depth() + 1;
        let lanes = f.lanes(&rows, stride);
        let weights = f.random("weights", rows.len() * stride as usize);
        let values = |of: [u32; 3]| (total * of.iter().product::<u32>()) as usize;
        let (dy, dx) = (f.random("dy", values(geometry.output)), f.blank("dx", values(geometry.input)));
        let mut rec = Recording::new();
        let room = f.room(&Order::of_conv_input(&geometry, 16), &lanes);
        record(&mut rec, &lanes, how(f), &params, &Operands { weights, x: dy, y: dx, room });
        rec.read_back(dx);
        rec
    })
}
