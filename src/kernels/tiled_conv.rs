//! Convolutions, forward, channels last, by tiles in workgroup memory.

use super::lib::conv::{self, Params, Uniforms, twin};
use super::lib::geometry::Geometry;
use super::lib::halves::Halves;
use super::lib::matrix::SMALL;
use super::lib::params::{Lanes, perturb};
use super::lib::tile_order::{Order, TileRoom};
use super::lib::tiles::{Tiles, tiled_defines};
use super::lib::tiling::{Operands, Product};
use super::lib::way::{BLOCKS, Way, in_ways, with_quads};
use super::lib::{Case, PERTURBED};
use crate::caps::Layout;
use crate::recording::Recording;
use crate::recording::kernel::Kernel;
use crate::shaders::{ANY_SHAPE, IN_HALVES, IN_QUADS, OUT_HALVES, QUADS};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("tiled_conv", twin)
    .with_defines(tiled_defines!(ANY_SHAPE, IN_QUADS, QUADS, IN_HALVES, OUT_HALVES))
    .with_speed(conv::SPEED);

/// As [`super::conv::record`], channels last.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    tile: &Tiles,
    geometry: &Geometry,
    params: &Params,
    io: &Operands,
) {
    let variant = with_quads(with_quads(tile.variant(), IN_QUADS, geometry.input[0]), QUADS, geometry.output[0]);
    let own = lanes.own_weights || how.moves_halves() && how.perturbed.is_some();
    let variant = how
        .halves
        .variant(geometry.variant(variant))
        .with("PERTURB", perturb(how.perturbed))
        .with("OWN_WEIGHTS", u32::from(own))
        .with("RELU", params.relu);
    let grid = [geometry.output[0].div_ceil(tile.columns), (lanes.max_rows * geometry.pixels()).div_ceil(tile.rows)];
    let order = Order::of_conv(geometry, tile.depth);
    let room = TileRoom::fill(rec, lanes, &order, params.weight_offset, io.weights, how, io.room);
    let bound = [lanes.table, io.weights, io.x, io.y, room.weights, room.signs];
    let uniforms = params.uniforms(geometry);
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, lanes.grid(grid[0], grid[1]), geometry.cost(lanes));
}

/// Sizes of cases: input, output channels, kernel, stride, padding, flat index of the weight.
const SHAPES: [([u32; 3], u32, u32, u32, u32, u32); 6] = [
    // More taps than terms of a slice.
    ([22, 5, 5], 3, 5, 1, 2, 2),
    // Whole quads of channels, all of them a slab.
    ([4, 6, 6], 40, 5, 1, 2, 4),
    ([1, 1, 1], 1, 1, 1, 0, 0),
    ([3, 9, 8], 13, 3, 2, 1, 5),
    // Two slabs.
    ([32, 6, 6], 34, 3, 2, 1, 64),
    ([32, 7, 5], 36, 3, 1, 1, 7),
];

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for ((input, out_c, kernel, stride, padding, offset), way) in in_ways(&SHAPES) {
            // Matrices plain and with signs; what else perturbs once.
            let usual = matches!(how, None | Some(Distribution::Rademacher));
            if matches!(way, Way::Matrix(_)) && !usual && out_c != 34 {
                continue;
            }
            let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
            let output = [out_c, out(input[1]), out(input[2])];
            let layout = Layout::ChannelsLast;
            let geometry = Geometry { input, output, kernel, stride, padding, layout };
            let fitted = matches!((how, out_c), (Some(Distribution::Rademacher), 36) | (None, 13));
            let name = format!("tiled_conv {way}");
            cases.push(super::conv::case(&name, how, geometry, offset, way).fitted(fitted));
        }
    }
    cases.extend(in_halves());
    cases
}

/// Sizes of cases whose activations are f16 in memory, as above: all channels a slab, two slabs, and nothing that fills a tile.
const HALF_SHAPES: [([u32; 3], u32, u32, u32, u32, u32); 3] =
    [([8, 5, 5], 16, 3, 1, 1, 5), ([32, 6, 6], 40, 3, 2, 1, 64), ([24, 7, 5], 8, 1, 2, 0, 3)];

/// Cases whose input, output or both are f16 in memory.
fn in_halves() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in [Way::Block(BLOCKS[0]), Way::Matrix(SMALL)] {
        for (x, y, how) in [(true, false, Some(Distribution::Rademacher)), (false, true, None), (true, true, None)] {
            for (input, out_c, kernel, stride, padding, offset) in HALF_SHAPES {
                let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
                let (output, layout) = ([out_c, out(input[1]), out(input[2])], Layout::ChannelsLast);
                let geometry = Geometry { input, output, kernel, stride, padding, layout };
                let which = if x && y {
                    "x and y"
                } else if x {
                    "x"
                } else {
                    "y"
                };
                let halves = Halves { x, residual: false, y };
                let case =
                    super::conv::case_of(&format!("tiled_conv {way} {which} f16"), how, geometry, offset, way, halves);
                cases.push(case.fitted(out_c == 40));
            }
        }
    }
    cases
}
