//! Gradients of linear layers, and of biases of any layer.

use super::params::{Lanes, SAMPLE_BLOCK};
use super::part_sums;
use super::parts::{self, Cut, Split, Sum, Target, Tensors};
use super::tiling::Tiling;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Gradient of the input.
pub static LINEAR_GRAD_INPUT: Kernel =
    Kernel::new::<InputParams>("linear_grad_input", reference::linear_grad::linear_grad_input);

/// Gradient of the weight.
pub static LINEAR_GRAD_WEIGHT: Kernel =
    Kernel::new::<WeightUniforms>("linear_grad_weight", reference::linear_grad::linear_grad_weight);

/// Gradient of a bias.
pub static BIAS_GRAD: Kernel = Kernel::new::<BiasUniforms>("bias_grad", reference::linear_grad::bias_grad);

params! {
    /// Uniform block of `linear_grad_input`.
    pub struct InputParams {
        /// Input features.
        pub inputs: u32,
        /// Output features.
        pub outputs: u32,
        /// Flat index of the weight `[outputs][inputs]`.
        pub weight_offset: u32,
    }
}

/// A linear layer whose weight's gradient is wanted.
#[derive(Clone, Copy, Debug)]
pub struct WeightParams {
    /// Input features.
    pub inputs: u32,
    /// Output features.
    pub outputs: u32,
    /// Flat index of the weight `[outputs][inputs]`.
    pub weight_offset: u32,
    /// 1: the layer's input is the batch of samples, rows from `x_row`; 0: an activation, rows from `row0`.
    pub from_batch: u32,
    /// 1: the sum goes on from what is there.
    pub accumulate: u32,
}

params! {
    /// Uniform block of `linear_grad_weight`.
    pub struct WeightUniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// Input features.
        pub inputs: u32,
        /// Output features.
        pub outputs: u32,
        /// Index of the weight in what is summed into.
        pub weight_offset: u32,
        /// As in [`WeightParams`].
        pub from_batch: u32,
        /// 1: the sum goes on from what is there.
        pub accumulate: u32,
    }
}

impl WeightParams {
    fn tiling(&self, tiling: Tiling) -> Tiling {
        tiling.in_quads().for_rows(self.outputs)
    }

    fn tiles(&self, tiling: Tiling) -> [u32; 2] {
        [self.inputs.div_ceil(tiling.tile_columns()), self.outputs.div_ceil(tiling.tile_rows())]
    }

    /// How the sum is split for lanes of `sample_rows` rows a sample. Over samples it isn't: a part can't be longer than a block.
    pub fn split(&self, tiling: Tiling, sample_rows: u32) -> Option<Split> {
        let tiles = self.tiles(self.tiling(tiling)).iter().product();
        let (wanted, least) = (tiling.workgroups(), tiling.part_terms());
        // Parts end on the blocks that the kernel takes at once.
        let multiple = SAMPLE_BLOCK;
        Sum { sample_rows, row: 1, terms: 1, whole: tiles, split: tiles, wanted, least, multiple }.splitting()
    }
}

/// A layer whose bias's gradient is wanted.
#[derive(Clone, Copy, Debug)]
pub struct BiasParams {
    /// Output features or channels.
    pub outputs: u32,
    /// Pixels of a channel; 1 for linear layers.
    pub spatial: u32,
    /// Flat index of the bias.
    pub bias_offset: u32,
    /// 1: the sum goes on from what is there.
    pub accumulate: u32,
}

params! {
    /// Uniform block of `bias_grad`.
    pub struct BiasUniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// Output features or channels.
        pub outputs: u32,
        /// Pixels of a channel.
        pub spatial: u32,
        /// Index of the bias in what is summed into.
        pub bias_offset: u32,
        /// 1: the sum goes on from what is there.
        pub accumulate: u32,
    }
}

impl BiasParams {
    fn flat(&self) -> bool {
        self.spatial == 1
    }

    /// Workgroups of a lane or part.
    fn groups(&self, row_teams: u32) -> u32 {
        if self.flat() { self.outputs.div_ceil(4 * 64 / row_teams) } else { self.outputs }
    }

    /// How the sum is split for lanes of `sample_rows` rows a sample.
    pub fn split(&self, sample_rows: u32) -> Option<Split> {
        let (row, terms, least) =
            if self.flat() { (1, 1, parts::TEAM_ROWS) } else { (self.spatial.div_ceil(4), 4, parts::TREE_TERMS) };
        let (whole, split) = (self.groups(1), self.groups(parts::ROW_TEAMS));
        Sum { sample_rows, row, terms, whole, split, wanted: parts::WORKGROUPS, least, multiple: 1 }.splitting()
    }
}

fn quads(multiples: u32) -> u32 {
    u32::from(multiples.is_multiple_of(4))
}

/// Records `dx = dy W`: `dy` `[rows][outputs]`, `dx` `[rows][inputs]`.
pub fn record_input(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &InputParams,
    weights: Span,
    dy: Span,
    dx: Span,
) {
    let tiling = tiling.in_quads().for_rows(lanes.max_rows);
    let variant = tiling
        .variant()
        .with("WEIGHT_QUADS", quads(params.weight_offset | params.inputs))
        .with("INPUT_QUADS", quads(params.outputs));
    let grid = lanes.grid(params.inputs.div_ceil(tiling.tile_columns()), lanes.max_rows.div_ceil(tiling.tile_rows()));
    let cost = 2 * lanes.rows * u64::from(params.inputs) * u64::from(params.outputs);
    rec.dispatch(&LINEAR_GRAD_INPUT, variant, params, &[lanes.table, weights, dy, dx], grid, cost);
}

/// Records `dW = dy^T x` into the lanes' gradients: `x` `[rows][inputs]`, `dy` `[rows][outputs]`.
pub fn record_weight(
    rec: &mut Recording,
    lanes: &Lanes,
    tiling: Tiling,
    params: &WeightParams,
    x: Span,
    dy: Span,
    target: &Target,
) {
    let split = params.split(tiling, lanes.sample_rows);
    let WeightParams { inputs, outputs, from_batch, .. } = *params;
    let tiling = params.tiling(tiling);
    let variant = tiling.variant().with("DY_QUADS", quads(outputs)).with("INPUT_QUADS", quads(inputs));
    let [columns, rows] = params.tiles(tiling);
    let tensors = Tensors::one(params.weight_offset, inputs * outputs);
    let cost = 2 * lanes.rows * u64::from(inputs) * u64::from(outputs);
    part_sums::record(rec, lanes, split, 1, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (cut, weight_offset, accumulate) = (launch.cut, tensors.first.0, launch.accumulate);
        let uniforms = WeightUniforms { cut, inputs, outputs, weight_offset, from_batch, accumulate };
        let bound = [lanes.table, dy, x, launch.sums];
        let grid = [columns, rows, launch.layers];
        rec.dispatch(&LINEAR_GRAD_WEIGHT, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}

/// Records the sum of `dy` over rows and pixels into the lanes' gradients.
pub fn record_bias(rec: &mut Recording, lanes: &Lanes, params: &BiasParams, dy: Span, target: &Target) {
    let BiasParams { outputs, spatial, .. } = *params;
    let split = params.split(lanes.sample_rows);
    let row_teams = if params.flat() && split.is_some() { parts::ROW_TEAMS } else { 1 };
    let row = if params.flat() { outputs } else { spatial };
    let variant = Variant::plain()
        .with("FLAT", u32::from(params.flat()))
        .with("DY_QUADS", quads(row))
        .with("ROW_TEAMS", row_teams);
    let units = if params.flat() { 1 } else { spatial.div_ceil(4) };
    let tensors = Tensors::one(params.bias_offset, outputs);
    let cost = lanes.rows * u64::from(outputs) * u64::from(spatial);
    part_sums::record(rec, lanes, split, units, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let (cut, bias_offset, accumulate) = (launch.cut, tensors.first.0, launch.accumulate);
        let uniforms = BiasUniforms { cut, outputs, spatial, bias_offset, accumulate };
        let grid = [params.groups(row_teams), 1, launch.layers];
        rec.dispatch(&BIAS_GRAD, variant.clone(), &uniforms, &[lanes.table, dy, launch.sums], grid, launch.cost);
    });
}
