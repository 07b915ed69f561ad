//! Linear layers, forward, by tiles in workgroup memory.

use super::lib::case::{perturbation, product_tolerance};
use super::lib::matrix::{Matrix, Multiply, SMALL, matrix_tolerance};
use super::lib::params::{Lanes, perturb};
use super::lib::tiles::{DEFINES, Tiles};
use super::lib::tiling::{Operands, Product, quads};
use super::lib::way::{Block, Way};
use super::lib::{Case, PERTURBED};
use super::linear::{NONE, Params, case_of, twin};
use crate::recording::kernel::{Kernel, Variant};
use crate::recording::{Recording, Span};
use crate::shaders::QUADS;
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tiled_linear", twin)
    .with_defines(DEFINES)
    .with_speed(&["WEIGHT_QUADS", "INPUT_QUADS", "ACTIVATION"]);

/// Weights of a row whose signs lie in workgroup memory at once; a multiple of a slice.
const SIGN_SPAN: u32 = 128;

/// Bytes of workgroup memory beside the slices of tiles of so many columns.
pub fn more_memory(columns: u32, perturbed: Option<Distribution>) -> u32 {
    if perturbed == Some(Distribution::Rademacher) { sign_memory(columns, SIGN_SPAN) } else { 0 }
}

/// Bytes of workgroup memory for the signs of `span` weights of each of `columns` (`shaders/lib/tiled_signs.wgsl`).
pub(super) fn sign_memory(columns: u32, span: u32) -> u32 {
    16 * columns * ((span + 126) / 128 + 1)
}

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
    let variant = with_quads(tiles.variant(), params.outputs)
        .with("PERTURB", perturb(how.perturbed))
        .with("WEIGHT_QUADS", quads(params.weight_offset | params.inputs))
        .with("INPUT_QUADS", quads(params.inputs))
        .with("ACTIVATION", params.activation)
        .with("RESIDUAL", added);
    let grid = lanes.grid(params.outputs.div_ceil(tiles.columns), lanes.max_rows.div_ceil(tiles.rows));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    // Something must be bound; what isn't added isn't read.
    let bound = [lanes.table, io.weights, io.x, io.y, residual.unwrap_or(io.x)];
    rec.dispatch(&KERNEL, variant, params, &bound, grid, cost);
}

/// For rows of `length` f32, whole quads or not.
pub(super) fn with_quads(variant: Variant, length: u32) -> Variant {
    if length.is_multiple_of(4) { variant.define(QUADS) } else { variant }
}

/// Blocks of cases: several workgroups of several groups of threads, and other sums a thread.
pub(super) const BLOCKS: [Block; 3] = [
    Block::new(32, 32, 16).of_threads(4, 4),
    Block::new(64, 64, 16),
    Block::new(16, 32, 8).of_threads(4, 4).two_stages(),
];

/// Matrices of cases, which any device multiplies by plain code: several subgroups of several matrices, one f16 an operand and two.
pub(super) const MATRICES: [Matrix; 2] = [SMALL.by(Multiply::Emulated), SMALL.split().by(Multiply::Emulated)];

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for (inputs, outputs, offset) in [(1, 1, 0), (67, 35, 3), (64, 12, 4), (300, 36, 125)] {
            let usual = matches!((how, inputs), (None | Some(Distribution::Rademacher), 67 | 64));
            let mut add = |way: Way, tolerance: f64| {
                let name = format!("tiled_linear {} {inputs} to {outputs} at {offset}, {way}", perturbation(how));
                let product = move |f: &super::lib::Fixture<'_>| Product { way, ..Product::by_shuffles(f.tiling(), None) };
                cases.push(case_of(name, how, inputs, outputs, offset, tolerance, product).fitted(inputs == 64));
            };
            // Each block plain and with signs; what else perturbs once.
            for block in BLOCKS.into_iter().filter(|block| usual || *block == BLOCKS[0]) {
                add(Way::Block(block), product_tolerance(how, inputs));
            }
            for matrix in MATRICES.into_iter().filter(|_| usual || inputs == 300) {
                add(Way::Matrix(matrix), matrix_tolerance(&matrix, how, inputs));
            }
        }
    }
    cases
}
