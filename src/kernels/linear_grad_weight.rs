//! Gradients of linear layers' weights.

use super::lib::matrix::operands;
use super::lib::params::Lane;
use super::lib::params::{Lanes, SAMPLE_BLOCK, blocks};
use super::lib::parts::{Cut, Sum, SumSplit, Target, Tensors, WeightSum, work};
use super::lib::tiles::Tiles;
use super::lib::tiling::{Gradient, Tiling, quads};
use super::lib::{Case, Fixture, rounding};
use super::linear_grad_input::{SIZES, Size};
use super::{part_sums, tiled_linear_grad_weight};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel =
    Kernel::new::<Uniforms>("linear_grad_weight", twin).with_speed(&["DY_QUADS", "INPUT_QUADS"]);

/// A linear layer whose weight's gradient is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Params {
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
    /// The uniform block.
    pub struct Uniforms {
        /// What the launch sums.
        pub cut: Cut,
        /// Where it goes.
        pub sum: WeightSum,
        /// Input features.
        pub inputs: u32,
        /// Output features.
        pub outputs: u32,
    }
}

impl Params {
    fn tiling(&self, tiling: Tiling) -> Tiling {
        tiling.in_quads().for_rows(self.outputs)
    }

    fn tiles(&self, tiling: Tiling) -> [u32; 2] {
        [self.inputs.div_ceil(tiling.tile_columns()), self.outputs.div_ceil(tiling.tile_rows())]
    }

    /// How the sum is split for lanes of `sample_rows` rows a sample. Over samples it isn't: a part can't be longer than a block.
    pub fn split(&self, how: Gradient, sample_rows: u32) -> Option<SumSplit> {
        if let Some(tiles) = Tiles::of(how.way) {
            return tiled_linear_grad_weight::split(self, &tiles, sample_rows);
        }
        let tiling = how.tiling;
        let tiles = self.tiles(self.tiling(tiling)).iter().product();
        let wanted = tiling.workgroups();
        // Parts end on the blocks that the kernel takes at once.
        let multiple = SAMPLE_BLOCK;
        Sum { sample_rows, row: 1, terms: 1, whole: tiles, split: tiles, wanted, least: tiling.part_terms(), multiple }
            .splitting()
    }
}

/// Records `dW = dy^T x` into the lanes' gradients: `x` `[rows][inputs]`, `dy` `[rows][outputs]`.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: Gradient, params: &Params, x: Span, dy: Span, target: &Target) {
    if let Some(tiles) = Tiles::of(how.way) {
        return tiled_linear_grad_weight::record(rec, lanes, &tiles, params, x, dy, target);
    }
    let (tiling, split) = (how.tiling, params.split(how, lanes.sample_rows));
    let Params { inputs, outputs, from_batch, .. } = *params;
    let tiling = params.tiling(tiling);
    let variant = tiling.variant().with("DY_QUADS", quads(outputs)).with("INPUT_QUADS", quads(inputs));
    let [columns, rows] = params.tiles(tiling);
    let tensors = Tensors::one(params.weight_offset, inputs * outputs);
    let cost = 2 * lanes.rows * u64::from(inputs) * u64::from(outputs);
    part_sums::record(rec, lanes, split, 1, &tensors, params.accumulate, cost, target, |rec, launch, tensors| {
        let sum = WeightSum::of(launch, tensors, from_batch);
        let uniforms = Uniforms { cut: launch.cut, sum, inputs, outputs };
        let bound = [lanes.table, dy, x, launch.sums];
        let grid = [columns, rows, launch.layers];
        rec.dispatch(&KERNEL, variant.clone(), &uniforms, &bound, grid, launch.cost);
    });
}

/// `dW[o][k] = sum over rows, by parts and blocks, of dy[row][o] x[row][k]`.
pub(super) fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (lanes, x, dy) = (call.read::<Lane>(1), call.read::<f32>(3), call.read::<f32>(2));
    let (x, dy) = (operands(call.variant, &x), operands(call.variant, &dy));
    let mut gradients = call.write::<f32>(4);
    let (inputs, outputs) = (p.inputs as usize, p.outputs as usize);
    for work in work(&p.cut, &lanes, call.grid[2], p.inputs * p.outputs) {
        let lane = work.lane;
        let first = if p.sum.from_batch != 0 { lane.x_row } else { lane.row0 } as usize;
        let gradient = &mut gradients[work.base.wrapping_add(p.sum.offset) as usize..][..inputs * outputs];
        for (i, total) in gradient.iter_mut().enumerate() {
            let (o, k) = (i / inputs, i % inputs);
            if p.sum.accumulate == 0 {
                *total = 0.0;
            }
            for block in work.parts.iter().flat_map(|part| blocks(part.clone())) {
                let mut sum = 0.0;
                for s in block {
                    sum += dy[(lane.row0 as usize + s) * outputs + o] * x[(first + s) * inputs + k];
                }
                *total += sum;
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in SIZES {
        for from_batch in [0, 1] {
            // Built for its sizes: more than a tile, rows of whole quads.
            let how = |f: &Fixture<'_>| Gradient::by_shuffles(f.tiling());
            cases.push(case("linear_grad_weight", size, from_batch, how).fitted(size.2 == 68));
        }
    }
    cases
}

/// A case of the kernels that compute this, `how` it is done.
pub(super) fn case(
    kernel: &str,
    (samples, tokens, inputs, outputs): Size,
    from_batch: u32,
    how: impl Fn(&Fixture<'_>) -> Gradient + Send + Sync + 'static,
) -> Case {
    let text = format!("{} lanes of {tokens} tokens {inputs} to {outputs}", samples.len());
    // 16 operations a block of rows, the blocks and parts of up to 70 of them, twice.
    Case::new(format!("{kernel} {text} from_batch {from_batch}"), rounding(200), move |f| {
        let (rows, stride) = (samples.iter().map(|n| n * tokens).collect::<Vec<_>>(), inputs * outputs + outputs + 1);
        let lanes = f.lanes(&rows, stride).of_tokens(tokens);
        let n = lanes.rows as usize;
        let (x, dy) = (f.random("x", n * inputs as usize), f.random("dy", n * outputs as usize));
        let slots = if from_batch == 0 { 30 } else { 3 };
        let target = f.target(rows.len() * stride as usize, slots * inputs * outputs);
        let mut rec = Recording::new();
        for accumulate in [0, 1] {
            let params = Params { inputs, outputs, weight_offset: 1, from_batch, accumulate };
            record(&mut rec, &lanes, how(f), &params, x, dy, &target);
        }
        rec.read_back(target.gradients);
        rec
    })
}
