//! Gradients of convolutions' weights, channels last, by tiles in workgroup memory.

use super::conv_grad_weight::{Uniforms, case, twin_of_units};
use super::lib::conv_grad::{Params, ROWS, SPEED, TILED_SHAPES};
use super::lib::params::Lanes;
use super::lib::parts::{Sum, SumSplit, Target, Tensors, WeightSum};
use super::lib::tiles::{PART_QUADS, Tiles, tiled_defines};
use super::lib::tiling::{Gradient, quads};
use super::lib::way::{Way, in_ways, with_quads};
use super::lib::{Case, Fixture};
use super::part_sums;
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::shaders::{ANY_SHAPE, IN_QUADS};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("tiled_conv_grad_weight", twin)
    .with_defines(tiled_defines!(ANY_SHAPE, IN_QUADS, PART_QUADS))
    .with_speed(SPEED);

/// Tiles of the weight that workgroups sum, (i, j, c) and o.
fn tiles(params: &Params, tile: &Tiles) -> [u32; 2] {
    [params.geometry().depth().div_ceil(tile.columns), params.out_c.div_ceil(tile.rows)]
}

/// How the weight's gradient is split.
pub fn split(params: &Params, tile: &Tiles) -> Option<SumSplit> {
    Sum::in_tiles(tiles(params, tile), tile, 1, params.geometry().pixels()).splitting()
}

/// As [`super::conv_grad_weight::record`], channels last.
pub fn record(rec: &mut Recording, lanes: &Lanes, tile: &Tiles, params: &Params, x: Span, dy: Span, target: &Target) {
    let (geometry, [columns, rows]) = (params.geometry(), tiles(params, tile));
    let variant = with_quads(tile.variant(), IN_QUADS, params.c);
    let variant = geometry.variant(variant).with("DY_QUADS", quads(params.out_c));
    let (split, cost) = (split(params, tile), params.cost(lanes));
    let (row, taps) = (geometry.pixels(), params.kernel * params.kernel);
    // Whole quads of channels: parts go out as they come, channels innermost.
    let (variant, taps) = match split {
        Some(_) if params.c.is_multiple_of(4) => (variant.define(PART_QUADS), taps),
        _ => (variant, 1),
    };
    let tensors = Tensors::of_taps(params.weight_offset, params.weight_len(), taps, params.c);
    part_sums::record(rec, lanes, split, row, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let sum = WeightSum::of(launch, tensors, params.from_batch);
        let uniforms = Uniforms { cut: launch.cut, sizes: geometry.sizes(), sum };
        let bound = [lanes.table, dy, x, launch.sums];
        rec.dispatch(&KERNEL, variant.clone(), &uniforms, &bound, [columns, rows, launch.layers], launch.cost);
    });
}

/// As that of [`super::conv_grad_weight`], parts counted in pixels.
fn twin(call: &Call<'_>) {
    twin_of_units(call, 1);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    // A sum that isn't split goes through all samples of a lane.
    let longest = ROWS.0.into_iter().max().unwrap_or(0);
    let of = |((shape, fitted), way): ((_, bool), Way)| {
        [0, 1].map(|from_batch| {
            let how = move |f: &Fixture<'_>| Gradient { tiling: f.tiling(), way: way.on(f.info()) };
            let name = format!("tiled_conv_grad_weight {way}");
            case(&name, shape, Layout::ChannelsLast, from_batch, longest, how).by(way, None).fitted(fitted)
        })
    };
    in_ways(&TILED_SHAPES).into_iter().flat_map(of).collect()
}
