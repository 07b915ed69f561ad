//! Gradients of convolutions' inputs, channels last, by tiles in workgroup memory.

use super::conv_grad_input::{Uniforms, case, twin};
use super::lib::conv_grad::{Params, SPEED, TILED_SHAPES};
use super::lib::params::Lanes;
use super::lib::tile_order::{Order, TileRoom};
use super::lib::tiles::{Tiles, tiled_defines};
use super::lib::tiling::{Gradient, Operands, Product, Tiling};
use super::lib::way::{Way, in_ways, with_quads};
use super::lib::{Case, Fixture};
use crate::caps::Layout;
use crate::recording::Recording;
use crate::recording::kernel::Kernel;
use crate::shaders::{ANY_SHAPE, IN_QUADS, QUADS};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("tiled_conv_grad_input", twin)
    .with_defines(tiled_defines!(ANY_SHAPE, IN_QUADS, QUADS))
    .with_speed(SPEED);

/// As [`super::conv_grad_input::record`], channels last.
pub fn record(rec: &mut Recording, lanes: &Lanes, tile: &Tiles, params: &Params, io: &Operands) {
    let variant = with_quads(with_quads(tile.variant(), IN_QUADS, params.out_c), QUADS, params.c);
    let variant = params.geometry().variant(variant).with("OWN_WEIGHTS", u32::from(lanes.own_weights));
    let classes = params.stride * params.stride;
    let tiles = [params.c.div_ceil(tile.columns) * classes, params.class_pixels(lanes).div_ceil(tile.rows)];
    let uniforms = Uniforms { sizes: params.geometry().sizes(), weight_offset: params.weight_offset };
    let order = Order::of_conv_input(&params.geometry(), tile.depth);
    let plain = Product::by_shuffles(Tiling::CORE, None);
    let room = TileRoom::fill(rec, lanes, &order, params.weight_offset, io.weights, &plain, io.room);
    let bound = [lanes.table, io.weights, io.x, io.y, room.weights];
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, lanes.grid(tiles[0], tiles[1]), params.cost(lanes));
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |((shape, fitted), way): ((_, bool), Way)| {
        let how = move |f: &Fixture<'_>| Gradient { tiling: f.tiling(), way: way.on(f.info()) };
        case(&format!("tiled_conv_grad_input {way}"), shape, Layout::ChannelsLast, how).by(way, None).fitted(fitted)
    };
    in_ways(&TILED_SHAPES).into_iter().map(of).collect()
}
