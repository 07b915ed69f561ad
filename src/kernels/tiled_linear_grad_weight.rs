//! Gradients of linear layers' weights, by tiles in workgroup memory.

use super::lib::Case;
use super::lib::params::Lanes;
use super::lib::parts::{Sum, SumSplit, Target, Tensors, WeightSum};
use super::lib::tiles::{PART_QUADS, Tiles, tiled_defines};
use super::lib::tiling::{Gradient, quads};
use super::lib::way::in_ways;
use super::linear_grad_input::SIZES;
use super::linear_grad_weight::{Params, Uniforms, case, twin};
use super::part_sums;
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("tiled_linear_grad_weight", twin)
    .with_defines(tiled_defines!(PART_QUADS))
    .with_speed(&["DY_QUADS", "INPUT_QUADS"]);

fn tiles(params: &Params, tile: &Tiles) -> [u32; 2] {
    [params.inputs.div_ceil(tile.columns), params.outputs.div_ceil(tile.rows)]
}

/// How the sum is split for lanes of `sample_rows` rows a sample.
pub fn split(params: &Params, tile: &Tiles, sample_rows: u32) -> Option<SumSplit> {
    Sum::in_tiles(tiles(params, tile), tile, sample_rows, 1).splitting()
}

/// As [`super::linear_grad_weight::record`].
pub fn record(rec: &mut Recording, lanes: &Lanes, tile: &Tiles, params: &Params, x: Span, dy: Span, target: &Target) {
    let split = split(params, tile, lanes.sample_rows);
    let Params { inputs, outputs, from_batch, .. } = *params;
    let variant = tile.variant().with("DY_QUADS", quads(outputs)).with("INPUT_QUADS", quads(inputs));
    let in_quads = split.is_some() && inputs.is_multiple_of(4);
    let variant = if in_quads { variant.define(PART_QUADS) } else { variant };
    let [columns, rows] = tiles(params, tile);
    let tensors = Tensors::one(params.weight_offset, inputs * outputs);
    let cost = 2 * lanes.rows * u64::from(inputs) * u64::from(outputs);
    part_sums::record(rec, lanes, split, 1, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let sum = WeightSum::of(launch, tensors, from_batch);
        let uniforms = Uniforms { cut: launch.cut, sum, inputs, outputs };
        let bound = [lanes.table, dy, x, launch.sums];
        rec.dispatch(&KERNEL, variant.clone(), &uniforms, &bound, [columns, rows, launch.layers], launch.cost);
    });
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, way) in in_ways(&SIZES) {
        for from_batch in [0, 1] {
            let how = move |f: &super::lib::Fixture<'_>| Gradient { tiling: f.tiling(), way: way.on(f.info()) };
            cases.push(case(&format!("tiled_linear_grad_weight {way}"), size, from_batch, how).by(way, None));
        }
    }
    cases
}
