//! The whole forward pass of a small multilayer perceptron in one launch.

use super::lib::case::{perturbation, product_tolerance};
use super::lib::math::rectify;
use super::lib::params::{ABSENT, Lane, Lanes};
use super::lib::tiling::{Operands, Product};
use super::lib::weight::weights;
use super::lib::{Case, PERTURBED};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("mlp_forward", twin).with_defines(&[LISTED]).with_speed(&[
    "WEIGHT_QUADS",
    "INPUT_QUADS",
    "SHORT",
    "SHORT2",
]);

/// The define of passes whose lanes read rows in an order of their own.
const LISTED: &str = "LISTED";

params! {
    /// The uniform block.
    pub struct Params {
        /// Inputs.
        pub inputs: u32,
        /// Width of the hidden layer.
        pub hidden: u32,
        /// Outputs.
        pub classes: u32,
        /// Flat index of the hidden layer's weight `[hidden, inputs]`.
        pub weight1: u32,
        /// Flat index of its bias, or [`ABSENT`].
        pub bias1: u32,
        /// Flat index of the output layer's weight `[classes, hidden]`.
        pub weight2: u32,
        /// Flat index of its bias, or [`ABSENT`].
        pub bias2: u32,
    }
}

/// Most outputs: their sums are kept in registers.
pub const MOST_CLASSES: usize = 16;

/// Records the logits `[rows, classes]` of all rows of a chunk; inputs are the batch: its rows as they lie, or row `listed[r]` (u32) for r.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: &Product, params: &Params, io: &Operands, listed: Option<Span>) {
    let tiling = how.tiling.one_team(lanes.max_rows, lanes.count);
    let quads = |multiples: u32| u32::from(multiples.is_multiple_of(4));
    let weights = params.weight1 | params.inputs | params.weight2 | params.hidden;
    let mut variant = how
        .variant(tiling, params.inputs)
        .with("SHORT2", u32::from(how.shares_signs(tiling, params.hidden)))
        .with("WEIGHT_QUADS", quads(weights))
        .with("INPUT_QUADS", quads(params.inputs))
        .with("OUT_ROWS", params.classes.div_ceil(tiling.share));
    let grid = lanes.grid(1, lanes.max_rows.div_ceil(tiling.tile_columns()));
    let products = u64::from(params.hidden) * u64::from(params.inputs + params.classes);
    let mut bound = vec![lanes.table, io.weights, io.x, io.y];
    if let Some(listed) = listed {
        variant = variant.define(LISTED);
        bound.push(listed);
    }
    rec.dispatch(&KERNEL, variant, params, &bound, grid, 2 * lanes.rows * products);
}

/// `logits = W2 max(W1 x + b1, 0) + b2`, sums in ascending order, biases last; bindings: lanes, weights, x, logits.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut logits = call.write::<f32>(4);
    let perturb = call.variant.get("PERTURB", 0);
    let listed = call.variant.defines().contains(&LISTED).then(|| call.read::<u32>(5));
    let (inputs, classes) = (p.inputs as usize, p.classes as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let tensor = |offset: u32, len: u32| {
            if offset == ABSENT { vec![0.0; len as usize] } else { weights(&all, lane, perturb, offset, len) }
        };
        let (w1, b1) = (tensor(p.weight1, p.hidden * p.inputs), tensor(p.bias1, p.hidden));
        let (w2, b2) = (tensor(p.weight2, p.classes * p.hidden), tensor(p.bias2, p.classes));
        for r in 0..lane.rows as usize {
            let row = lane.x_row as usize + r;
            let row = listed.as_ref().map_or(row, |listed| listed[row] as usize);
            let x = &x[row * inputs..][..inputs];
            let hidden: Vec<f32> = layer(&w1, &b1, x).into_iter().map(rectify).collect();
            logits[(lane.row0 as usize + r) * classes..][..classes].copy_from_slice(&layer(&w2, &b2, &hidden));
        }
    }
}

fn layer(w: &[f32], b: &[f32], x: &[f32]) -> Vec<f32> {
    let row = |(w, b): (&[f32], &f32)| w.iter().zip(x).fold(0.0, |sum, (w, x)| sum + x * w) + b;
    w.chunks_exact(x.len()).zip(b).map(row).collect()
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for (inputs, hidden, classes) in [(1, 1, 1), (64, 64, 10), (13, 37, 16), (20, 150, 3)] {
            // Built for their sizes: rows of whole quads, short and long ones.
            let fitted = matches!((how, inputs), (Some(Distribution::Rademacher), 64 | 20) | (None, 64));
            cases.push(case(how, inputs, hidden, classes, 2, false).fitted(fitted));
        }
        // Rows and offsets of whole quads, of weights that lie behind others.
        cases.push(case(how, 64, 64, 10, 4, false).fitted(how == Some(Distribution::Rademacher)));
        cases.push(case(how, 13, 37, 16, 2, true));
    }
    cases
}

fn case(how: Option<Distribution>, inputs: u32, hidden: u32, classes: u32, weight1: u32, listed: bool) -> Case {
    let order = if listed { " of listed rows" } else { "" };
    let name = format!("mlp_forward {} {inputs}-{hidden}-{classes} at {weight1}{order}", perturbation(how));
    // The hidden layer's error goes through the second sum.
    Case::new(name, product_tolerance(how, inputs) + product_tolerance(how, hidden), move |f| {
        let rows = [31u32, 1, 8];
        let bias1 = weight1 + hidden * inputs;
        let weight2 = bias1 + hidden;
        let bias2 = weight2 + classes * hidden;
        let params = Params { inputs, hidden, classes, weight1, bias1, weight2, bias2 };
        let lanes = f.lanes(&rows, (bias2 + classes).next_multiple_of(64));
        let total = rows.iter().sum::<u32>();
        let io = Operands::by_shuffles(
            f.random("weights", 3 * (bias2 + classes).next_multiple_of(64) as usize),
            f.random("x", (total * inputs) as usize),
            f.blank("logits", (total * classes) as usize),
        );
        // Backwards, some rows several times.
        let order: Vec<u32> = (0..total).map(|r| (total - 1 - r) / 3 * 2).collect();
        let listed = listed.then(|| f.buffer("listed", &order));
        let mut rec = Recording::new();
        record(&mut rec, &lanes, &Product::by_shuffles(f.tiling(), how), &params, &io, listed);
        rec.read_back(io.y);
        rec
    })
}
