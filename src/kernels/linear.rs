//! Linear layers, forward.

use std::f32::consts::FRAC_1_SQRT_2;

use super::lib::case::{perturbation, product_tolerance};
use super::lib::halves;
use super::lib::math::{erf_f32, rectify};
use super::lib::matrix::operands;
use super::lib::params::{ABSENT, Lane, Lanes};
use super::lib::tile_order::Order;
use super::lib::tiles::Tiles;
use super::lib::tiling::{Operands, Product};
use super::lib::weight::weights;
use super::lib::{Case, Fixture, PERTURBED, rounding};
use super::{convert, tiled_linear};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};
use crate::shaders::{ANY_SHAPE, IN_HALVES};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("linear", twin).with_defines(&[ANY_SHAPE]).with_speed(&[
    "WEIGHT_QUADS",
    "INPUT_QUADS",
    "SHORT",
    "ACTIVATION",
]);

/// No activation.
pub const NONE: u32 = 0;

/// max(0, v).
pub const RELU: u32 = 1;

/// The exact gelu, v / 2 (1 + erf(v / sqrt 2)).
pub const GELU: u32 = 2;

params! {
    /// The uniform block.
    pub struct Params {
        /// Inputs.
        pub inputs: u32,
        /// Outputs.
        pub outputs: u32,
        /// Flat index of the weight `[outputs, inputs]`.
        pub weight_offset: u32,
        /// Flat index of the bias; `u32::MAX`: none.
        pub bias_offset: u32,
        /// 1: inputs are the batch (`x_row`), 0: an activation (`row0`).
        pub from_batch: u32,
        /// What follows: [`NONE`], [`RELU`] or [`GELU`].
        pub activation: u32,
    }
}

/// Records `y = act(W x + b)` for all rows of a chunk: `x` `[rows, inputs]`, `y` `[rows, outputs]`. A residual, rows laid out as
/// those of `y`, is added; only where there is no activation.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    params: &Params,
    io: &Operands,
    residual: Option<Span>,
) {
    if let Some(tiles) = Tiles::of(how.way) {
        return tiled_linear::record(rec, lanes, how, &tiles, params, io, residual);
    }
    let tiling = how.tiling.for_rows(params.outputs);
    let quads = |aligned: bool| u32::from(aligned);
    let variant = how
        .variant(tiling, params.inputs)
        .with("WEIGHT_QUADS", quads((params.weight_offset | params.inputs).is_multiple_of(4)))
        .with("INPUT_QUADS", quads(params.inputs.is_multiple_of(4)))
        .with("ACTIVATION", params.activation)
        .with("RESIDUAL", u32::from(residual.is_some() && params.activation == NONE));
    let grid =
        [params.outputs.div_ceil(tiling.tile_rows()), lanes.max_rows.div_ceil(tiling.tile_columns()), lanes.count];
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    // Something must be bound; what isn't added isn't read.
    let bound = [lanes.table, io.weights, io.x, io.y, residual.unwrap_or(io.x)];
    rec.dispatch(&KERNEL, variant, params, &bound, grid, cost);
}

/// `y[row][o] = act(sum_k W[o][k] x[row][k] + b[o])`, plus the residual without an activation; the sum along k in ascending order.
pub(super) fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), halves::read(call, 3, IN_HALVES));
    let x = operands(call.variant, &x);
    let perturb = call.variant.get("PERTURB", 0);
    let (added, residual) = (call.variant.get("RESIDUAL", 0) == 1, call.read::<f32>(5));
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    halves::write(call, 4, |y| {
        for lane in lanes.iter().take(call.grid[2] as usize) {
            let matrix = weights(&all, lane, perturb, p.weight_offset, p.inputs * p.outputs);
            let matrix = operands(call.variant, &matrix);
            let bias = if p.bias_offset == ABSENT {
                vec![0.0; outputs]
            } else {
                weights(&all, lane, perturb, p.bias_offset, p.outputs)
            };
            let first = if p.from_batch == 1 { lane.x_row } else { lane.row0 } as usize;
            for row in 0..lane.rows as usize {
                let x = &x[(first + row) * inputs..][..inputs];
                let at = (lane.row0 as usize + row) * outputs;
                let y = &mut y[at..][..outputs];
                for o in 0..outputs {
                    let sum =
                        matrix[o * inputs..][..inputs].iter().zip(x).fold(0.0, |sum, (w, x)| sum + x * w) + bias[o];
                    y[o] = match p.activation {
                        RELU => rectify(sum),
                        GELU => 0.5 * sum * (1.0 + erf_f32(sum * FRAC_1_SQRT_2)),
                        _ if added => sum + residual[at + o],
                        _ => sum,
                    };
                }
            }
        }
    });
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        // Inputs, outputs, flat index of the weight: one of each; nothing divides the tiles; quads; a block border inside a row.
        for (inputs, outputs, offset) in [(1, 1, 0), (67, 35, 3), (64, 10, 4), (300, 33, 125)] {
            // Built for their sizes: rows of whole quads, short and long ones.
            let fitted = matches!((how, inputs), (Some(Distribution::Rademacher), 64 | 300) | (None, 64));
            cases.push(case(how, inputs, outputs, offset).fitted(fitted));
        }
    }
    cases
}

fn case(how: Option<Distribution>, inputs: u32, outputs: u32, weight_offset: u32) -> Case {
    let name = format!("linear {} {inputs} to {outputs} at {weight_offset}", perturbation(how));
    case_of(name, how, inputs, outputs, weight_offset, |f| Product::by_shuffles(f.tiling(), None))
}

/// A case of a layer in a way of computing it, which `product` gives.
pub(super) fn case_of(
    name: String,
    how: Option<Distribution>,
    inputs: u32,
    outputs: u32,
    weight_offset: u32,
    product: impl Fn(&Fixture<'_>) -> Product + Send + Sync + 'static,
) -> Case {
    // A gelu takes another 64 roundings (as `activation` does), of 1.2 times its input at most.
    Case::new(name, 1.2 * product_tolerance(how, inputs) + rounding(64), move |f| {
        let product = Product { perturbed: how, ..product(f) };
        let rows = [41, 1, 9];
        let bias_offset = weight_offset + inputs * outputs;
        let stride = (bias_offset + outputs).next_multiple_of(64);
        let lanes = f.lanes(&rows, stride);
        let total = rows.iter().sum::<u32>();
        let io = Operands {
            weights: f.random("weights", 3 * stride as usize),
            x: f.random_halves("x", (total * inputs) as usize, product.halves.x),
            y: f.blank("y", if product.halves.y { total * outputs / 2 } else { total * outputs } as usize),
            room: f.room(&Order::of_linear(inputs, outputs), &lanes),
        };
        let residual = f.random("residual", (total * outputs) as usize);
        let read = if product.halves.y { f.blank("read", (total * outputs) as usize) } else { io.y };
        let mut rec = Recording::new();
        for (from_batch, activation, bias_offset, residual) in [
            (1, NONE, bias_offset, None),
            (0, RELU, ABSENT, None),
            (0, GELU, bias_offset, None),
            (0, NONE, bias_offset, Some(residual)),
        ] {
            let params = Params { inputs, outputs, weight_offset, bias_offset, from_batch, activation };
            record(&mut rec, &lanes, &product, &params, &io, residual);
            if product.halves.y {
                convert::from_halves(&mut rec, total * outputs, io.y, read);
            }
            rec.read_back(read);
        }
        rec
    })
}
