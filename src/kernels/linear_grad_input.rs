//! Gradients of linear layers' inputs.

use super::lib::matrix::operands;
use super::lib::params::{Lane, Lanes};
use super::lib::tiles::Tiles;
use super::lib::tiling::{Gradient, quads};
use super::lib::{Case, Fixture, rounding};
use super::tiled_linear_grad_input;
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Params>("linear_grad_input", twin).with_speed(&["WEIGHT_QUADS", "INPUT_QUADS"]);

params! {
    /// The uniform block.
    pub struct Params {
        /// Input features.
        pub inputs: u32,
        /// Output features.
        pub outputs: u32,
        /// Flat index of the weight `[outputs][inputs]`.
        pub weight_offset: u32,
    }
}

/// Records `dx = dy W`: `dy` `[rows][outputs]`, `dx` `[rows][inputs]`.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: Gradient, params: &Params, weights: Span, dy: Span, dx: Span) {
    if let Some(tiles) = Tiles::of(how.way) {
        return tiled_linear_grad_input::record(rec, lanes, &tiles, params, weights, dy, dx);
    }
    let tiling = how.tiling.in_quads().for_rows(lanes.max_rows);
    let variant = tiling
        .variant()
        .with("WEIGHT_QUADS", quads(params.weight_offset | params.inputs))
        .with("INPUT_QUADS", quads(params.outputs));
    let grid = lanes.grid(params.inputs.div_ceil(tiling.tile_columns()), lanes.max_rows.div_ceil(tiling.tile_rows()));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, weights, dy, dx], grid, cost);
}

/// `dx[row][k] = sum over o, ascending, of dy[row][o] W[o][k]`.
pub(super) fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (weights, dy) = (operands(call.variant, &weights), operands(call.variant, &dy));
    let mut dx = call.write::<f32>(4);
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let weight = &weights[lane.weight_base.wrapping_add(p.weight_offset) as usize..][..inputs * outputs];
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            let dx = &mut dx[row * inputs..][..inputs];
            dx.fill(0.0);
            for o in 0..outputs {
                let g = dy[row * outputs + o];
                for (dx, w) in dx.iter_mut().zip(&weight[o * inputs..]) {
                    *dx += g * w;
                }
            }
        }
    }
}

/// Sizes of cases, of this kernel and the weight's gradient: samples of the lanes, rows of a sample (1, or so many tokens that sums over
/// them are split, into parts of which a block's last is the shorter one), inputs, outputs.
pub const SIZES: [Size; 6] = [
    (&[1], 1, 1, 1),
    (&[17, 1, 40], 1, 67, 13),
    (&[9, 33], 1, 130, 35),
    (&[70, 8, 3], 1, 68, 44),
    (&[9, 1, 0, 16], 67, 67, 13),
    (&[2, 8], 64, 68, 44),
];

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    // Built for its sizes: more than a tile, rows of whole quads.
    SIZES.map(|size| case("linear_grad_input", size, |f| Gradient::by_shuffles(f.tiling())).fitted(size.2 == 68)).into()
}

/// Sizes of a case: samples of the lanes, rows of a sample, inputs, outputs.
pub(super) type Size = (&'static [u32], u32, u32, u32);

/// A case of the kernels that compute this, `how` it is done.
pub(super) fn case(
    kernel: &str,
    (samples, tokens, inputs, outputs): Size,
    how: impl Fn(&Fixture<'_>) -> Gradient + Send + Sync + 'static,
) -> Case {
    let name = format!("{kernel} {} lanes of {tokens} tokens {inputs} to {outputs}", samples.len());
    // A product and a sum per output.
    Case::new(name, rounding(2 * outputs), move |f| {
        let (rows, stride) = (samples.iter().map(|n| n * tokens).collect::<Vec<_>>(), inputs * outputs + outputs + 1);
        let lanes = f.lanes(&rows, stride);
        let n = lanes.rows as usize;
        let weights = f.random("weights", rows.len() * stride as usize);
        let (dy, dx) = (f.random("dy", n * outputs as usize), f.blank("dx", n * inputs as usize));
        let mut rec = Recording::new();
        record(&mut rec, &lanes, how(f), &Params { inputs, outputs, weight_offset: 1 }, weights, dy, dx);
        rec.read_back(dx);
        rec
    })
}
