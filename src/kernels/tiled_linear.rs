//! Linear layers, forward, by tiles in workgroup memory.

use super::lib::case::perturbation;
use super::lib::halves::Halves;
use super::lib::matrix::SMALL;
use super::lib::params::{Lanes, perturb};
use super::lib::tile_order::{Order, TileRoom};
use super::lib::tiles::{Tiles, tiled_defines};
use super::lib::tiling::{Operands, Product, quads};
use super::lib::way::{BLOCKS, WAYS, Way, with_quads};
use super::lib::{Case, Fixture, PERTURBED};
use super::linear::{NONE, Params, case_of, twin};
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};
use crate::shaders::{ANY_SHAPE, IN_HALVES, OUT_HALVES, QUADS};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tiled_linear", twin)
    .with_defines(tiled_defines!(ANY_SHAPE, QUADS, IN_HALVES, OUT_HALVES))
    .with_speed(&["INPUT_QUADS", "ACTIVATION"]);

/// As [`super::linear::record`].
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    tiles: &Tiles,
    params: &Params,
    io: &Operands,
    residual: Option<Span>,
) {
    let added = u32::from(residual.is_some() && params.activation == NONE);
    let own = lanes.own_weights || how.moves_halves() && how.perturbed.is_some();
    let variant = how
        .halves
        .variant(with_quads(tiles.variant(), QUADS, params.outputs))
        .with("PERTURB", perturb(how.perturbed))
        .with("OWN_WEIGHTS", u32::from(own))
        .with("ACTIVATION", params.activation)
        .with("RESIDUAL", added);
    // Rows of f16 are whole quads anyhow.
    let variant = if how.halves.x { variant } else { variant.with("INPUT_QUADS", quads(params.inputs)) };
    let grid = lanes.grid(params.outputs.div_ceil(tiles.columns), lanes.max_rows.div_ceil(tiles.rows));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    // Something must be bound; what isn't added isn't read.
    let order = Order::of_linear(params.inputs, params.outputs);
    let room = TileRoom::fill(rec, lanes, &order, params.weight_offset, io.weights, how, io.room);
    let bound = [lanes.table, io.weights, io.x, io.y, residual.unwrap_or(io.x), room.weights, room.signs];
    rec.dispatch(&KERNEL, variant, params, &bound, grid, cost);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for (inputs, outputs, offset) in [(1, 1, 0), (67, 35, 3), (64, 12, 4), (300, 36, 125)] {
            // Each way plain and with signs; what else perturbs once.
            let usual = matches!((how, inputs), (None | Some(Distribution::Rademacher), 67 | 64));
            let tried =
                |way: &Way| usual || *way == Way::Block(BLOCKS[0]) || matches!(way, Way::Matrix(_)) && inputs == 300;
            for way in WAYS.into_iter().filter(tried) {
                let name = format!("tiled_linear {} {inputs} to {outputs} at {offset}, {way}", perturbation(how));
                let product =
                    move |f: &Fixture<'_>| Product { way: way.on(f.info()), ..Product::by_shuffles(f.tiling(), None) };
                let case = case_of(name, how, inputs, outputs, offset, product);
                cases.push(case.by(way, how).fitted(inputs == 64));
            }
        }
    }
    for way in [Way::Block(BLOCKS[0]), Way::Matrix(SMALL)] {
        for (x, y, how) in [(true, false, Some(Distribution::Rademacher)), (false, true, None), (true, true, None)] {
            for (inputs, outputs) in [(72, 40), (8, 8)] {
                let name = format!(
                    "tiled_linear {} {inputs} to {outputs} f16{}{}, {way}",
                    perturbation(how),
                    if x { " x" } else { "" },
                    if y { " y" } else { "" }
                );
                let halves = Halves { x, residual: false, y };
                let product = move |f: &Fixture<'_>| Product {
                    way: way.on(f.info()),
                    halves,
                    ..Product::by_shuffles(f.tiling(), None)
                };
                let case = case_of(name, how, inputs, outputs, 3, product);
                cases.push(case.by(way, how).in_halves(y).fitted(inputs == 72));
            }
        }
    }
    cases
}
