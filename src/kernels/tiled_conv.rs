//! Convolutions, forward, channels last, by tiles in workgroup memory.

use super::lib::conv::{self, Params, Uniforms, twin};
use super::lib::geometry::Geometry;
use super::lib::params::{Lanes, perturb};
use super::lib::tiling::{Operands, Product};
use super::lib::way::{BLOCKS, Block, Way, with_quads};
use super::lib::{Case, PERTURBED};
use crate::caps::Layout;
use crate::recording::Recording;
use crate::recording::kernel::Kernel;
use crate::shaders::{ANY_SHAPE, IN_QUADS, QUADS};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("tiled_conv", twin).with_defines(&[ANY_SHAPE, IN_QUADS, QUADS]).with_speed(conv::SPEED);

/// Weights of a channel whose signs lie in workgroup memory at once, at most.
const SIGNS: u32 = 512;

/// Weights of a slab of input channels (`shaders/lib/slabs.wgsl`): so many signs lie in workgroup memory; 0: too many.
fn sign_span(geometry: &Geometry) -> u32 {
    let channels = if geometry.input[0].is_multiple_of(16) { 16 } else { geometry.input[0] };
    let span = channels * geometry.kernel * geometry.kernel;
    if span > SIGNS { 0 } else { span }
}

/// Bytes of workgroup memory beside the slices of tiles.
pub fn more_memory(block: &Block, geometry: &Geometry, perturbed: Option<Distribution>) -> u32 {
    if perturbed == Some(Distribution::Rademacher) { block.sign_memory(sign_span(geometry)) } else { 0 }
}

/// As [`super::conv::record`], channels last.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    block: &Block,
    geometry: &Geometry,
    params: &Params,
    io: &Operands,
) {
    let variant = with_quads(with_quads(block.variant(), IN_QUADS, geometry.input[0]), QUADS, geometry.output[0]);
    let variant = geometry
        .variant(variant)
        .with("PERTURB", perturb(how.perturbed))
        .with("SIGN_SPAN", sign_span(geometry))
        .with("RELU", params.relu);
    let tiles = [geometry.output[0].div_ceil(block.columns), (lanes.max_rows * geometry.pixels()).div_ceil(block.rows)];
    let bound = [lanes.table, io.weights, io.x, io.y];
    let uniforms = params.uniforms(geometry);
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, lanes.grid(tiles[0], tiles[1]), geometry.cost(lanes));
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for ((input, out_c, kernel, stride, padding, offset), block) in [
            (([1, 1, 1], 1, 1, 1, 0, 0), BLOCKS[2]),
            (([3, 9, 8], 13, 3, 2, 1, 5), BLOCKS[0]),
            // Whole quads of channels, all of them a slab; two slabs; more signs than lie in workgroup memory.
            (([4, 6, 6], 40, 5, 1, 2, 4), BLOCKS[1]),
            (([32, 7, 5], 36, 3, 1, 1, 7), BLOCKS[2]),
            (([32, 6, 6], 34, 3, 2, 1, 64), BLOCKS[1]),
            (([22, 5, 5], 3, 5, 1, 2, 2), BLOCKS[0]),
        ] {
            let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
            let output = [out_c, out(input[1]), out(input[2])];
            let layout = Layout::ChannelsLast;
            let geometry = Geometry { input, output, kernel, stride, padding, layout };
            let fitted = matches!((how, out_c), (Some(Distribution::Rademacher), 36) | (None, 13));
            let name = format!("tiled_conv {block}");
            cases.push(super::conv::case(&name, how, geometry, offset, Way::Block(block)).fitted(fitted));
        }
    }
    cases
}
