//! What local steps need at once.

use super::counts::{at_most, check_batch};
use super::fusion::{Fusion, Purpose};
use super::lowering::Lowered;
use super::step_buffers::{STARTS, StepBuffers};
use super::step_options::StepOptions;
use super::{EngineError, Session};
use crate::device::DeviceError;
use crate::kernels::dropout;
use crate::kernels::params::SAMPLE_BLOCK;
use crate::kernels::parts::SumSplit;
use crate::kernels::tiling::Tiling;
use crate::layers::{Keeps, kind};
use crate::model::Node;
use crate::recording::Span;
use crate::recording::arena::{self, Value};
use crate::tune::Ways;

/// What local steps are planned for.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepNeeds {
    /// Rows of the largest batch.
    pub batch: u32,
    /// Clients at once, at most.
    pub clients: usize,
    /// Values of a sample.
    pub features: usize,
    /// Batch norms take the statistics of a batch's rows and update the running ones.
    pub batch_statistics: bool,
    /// The config's key behind the size of a batch.
    pub key: &'static str,
    /// What the steps have beside the plain one.
    pub options: StepOptions,
}

/// What a local step needs for a row, and for a lane.
struct StepPlan {
    values: Vec<u64>,
    keeps: Vec<Keeps>,
    largest: Keeps,
    fusion: Fusion,
    slopes: Vec<u64>,
    slope_of: Vec<usize>,
    masked: u64,
    addend: u64,
    /// How long sums are split, and f32 of a part.
    splits: Vec<(SumSplit, u32)>,
}

impl StepPlan {
    fn of(lowered: &Lowered, tiling: Tiling, ways: &Ways, batch_statistics: bool) -> Self {
        let graph = &lowered.graph;
        let (nodes, count, readers) = (&graph.nodes, graph.nodes.len(), graph.last_readers());
        // Step 0 is the loss, step count - i the backward pass of node i: it reads the node's slope; those of what the node read are
        // born there unless a later reader gave before.
        let mut order: Vec<usize> = (0..count).filter(|&i| lowered.weighted[i]).collect();
        order.sort_by_key(|&i| count - readers[i]);
        let slopes: Vec<Value> = order
            .iter()
            .map(|&i| Value { elements: nodes[i].layer.output_len(), born: count - readers[i], last: count - i })
            .collect();
        let (slots, elements) = arena::assign(&slopes);
        let mut slope_of = vec![0; count];
        order.iter().zip(slots).for_each(|(&i, slot)| slope_of[i] = slot);
        let bytes = |values: usize| (values * 4) as u64;
        let largest = |each: &dyn Fn(usize, &Node) -> usize| {
            nodes.iter().enumerate().map(|(i, n)| each(i, n)).max().map_or(0, bytes)
        };
        let own = |(i, n): (usize, &Node)| if lowered.shared[i] { 0 } else { n.layer.output_len() };
        let keeps: Vec<Keeps> = nodes.iter().map(|n| kind(&n.layer).keeps()).collect();
        Self {
            values: nodes.iter().enumerate().map(|node| bytes(own(node))).collect(),
            largest: keeps.iter().copied().fold(Keeps::default(), Keeps::max),
            keeps,
            fusion: Fusion::of(graph, lowered.layout, tiling, ways, Purpose { backward: true, batch_statistics }),
            slopes: elements.into_iter().map(bytes).collect(),
            slope_of,
            masked: largest(&|_, n| if kind(&n.layer).ends_with_relu() { n.layer.output_len() } else { 0 }),
            addend: largest(&|i, n| match lowered.slope_of(n.input) {
                Some(from) if readers[from] != i || n.residual == Some(n.input) => n.layer.input_len(),
                _ => 0,
            }),
            splits: nodes.iter().flat_map(|n| kind(&n.layer).splits(&ways.gradients(&n.layer, tiling))).collect(),
        }
    }

    /// Bytes of the parts of any gradient's sums for so many lanes of at most `samples` samples, or as many as fit `most` bytes, at least one.
    fn part_bytes(&self, lanes: u64, samples: u32, most: u64) -> u64 {
        let largest = |bytes: &dyn Fn(&(SumSplit, u32)) -> u64| self.splits.iter().map(bytes).max().unwrap_or(0);
        let one = largest(&|(_, size)| 4 * u64::from(*size));
        largest(&|(split, size)| split.bytes(lanes, samples, *size)).min(most).max(one)
    }

    /// Bytes of a row in all buffers; what a lane keeps counts as if each row were a lane.
    fn row_bytes(&self) -> u64 {
        let between = [self.largest.coefficients, self.largest.moments];
        let kept = self.keeps.iter().map(|keeps| keeps.saved).chain(between);
        let kept: u64 = kept.map(|kept| 4 * kept.values() as u64).sum();
        let parts = 4 * self.fusion.slots.iter().sum::<usize>() as u64;
        self.values.iter().chain(&self.slopes).sum::<u64>() + kept + parts + self.masked + self.addend + 8
    }
}

impl Session<'_> {
    /// Plans plain local steps of batches of at most `batch` rows for up to `clients` clients at once, and makes the buffers.
    pub(super) fn train_plan(
        &mut self,
        batch: u32,
        clients: usize,
        features: usize,
        batch_statistics: bool,
    ) -> Result<StepBuffers, EngineError> {
        let key = "warmup.batch";
        self.step_plan(&StepNeeds { batch, clients, features, batch_statistics, key, options: StepOptions::default() })
    }

    /// Plans local steps and makes the buffers.
    pub(super) fn step_plan(&mut self, needs: &StepNeeds) -> Result<StepBuffers, EngineError> {
        let StepNeeds { batch, clients, features, batch_statistics, key, options } = *needs;
        if batch_statistics {
            check_batch(&self.program.graph, batch, key)?;
        }
        at_most(u64::from(batch), self.space.binding() / 4, "samples of a batch", key)?;
        let ways = self.program.step_ways(options.scaled);
        let plan = StepPlan::of(&self.program.lowered, self.program.tiling, ways, batch_statistics);
        let row = plan.row_bytes();
        let shared: Vec<u64> = self.program.lowered.elements.iter().map(|&values| (values * 4) as u64).collect();
        let input = (features * 4) as u64;
        let masks = if self.program.lowered.graph.has_dropout() { dropout::ROW_BYTES } else { 0 };
        let row = row + input + masks + shared.iter().sum::<u64>();
        let largest = plan.values.iter().chain(&plan.slopes).chain(&shared).copied().fold(input.max(4), u64::max);
        let binding = self.space.binding();
        let stride = self.program.graph.state_len().next_multiple_of(64);
        let [copy, lane] = self.program.step_room.unwrap_or_default();
        let slot = (stride * 8) as u64 + options.slot_bytes(&self.program.graph, stride) + copy + lane;
        let memory = self.space.working_memory();
        // A step costs three forward passes; what a submission can't hold is cut between dispatches.
        let affordable = |share: u64| (memory / share / row.max(1)).min(binding / largest).max(1) as u32;
        let most_rows = affordable(2);
        let by_weights = (memory / 4 / slot).min(binding / (stride as u64 * 4)).min(65_535);
        let slots = u64::from(most_rows / batch.max(1)).min(by_weights).clamp(1, clients.max(1) as u64) as usize;
        let whole = slots as u32 * batch;
        let mut rows = if whole <= most_rows { whole } else { (most_rows / SAMPLE_BLOCK).max(1) * SAMPLE_BLOCK };
        if batch_statistics && self.program.graph.has_batch_norm() && rows < batch {
            let needed = u64::from(batch) * row + slot;
            if needed > memory {
                let (rows, missing) = (batch, needed - memory);
                return Err(EngineError::Whole { rows, needed, missing, key });
            }
            rows = batch;
        }
        let (held, lanes) = (u64::from(rows), slots as u64);
        let part_bytes = plan.part_bytes(lanes, rows.min(batch), (memory / 16).min(binding));
        self.space.bindable("activations of a local step", held * largest)?;
        let space = &mut *self.space;
        let mut each = |name: &'static str, sizes: &mut dyn Iterator<Item = u64>| -> Result<Vec<Span>, DeviceError> {
            sizes.enumerate().map(|(i, bytes)| space.nth(name, i, bytes)).collect()
        };
        let shared = each("shared rows of a step", &mut shared.iter().map(|b| b * held))?;
        let values = each("kept activations", &mut plan.values.iter().map(|b| b * held))?;
        let saved = each("kept values of a step", &mut plan.keeps.iter().map(|keeps| keeps.saved.bytes(held, lanes)))?;
        let slopes = each("slopes", &mut plan.slopes.iter().map(|b| b * held))?;
        let part_moments =
            each("moments of parts", &mut plan.fusion.slots.iter().map(|&values| 4 * values as u64 * held))?;
        let weight_bytes = (slots * stride * 4) as u64;
        Ok(StepBuffers {
            slots,
            stride: stride as u32,
            weights: space.need(STARTS[0], weight_bytes)?,
            gradients: space.need("client gradients", weight_bytes)?,
            x: space.need(STARTS[1], held * input)?,
            labels: space.need(STARTS[2], held * 4)?,
            masks: (masks > 0).then(|| space.need("rows of masks", held * masks)).transpose()?,
            losses: space.need("losses", u64::from(whole) * 4)?,
            correct: space.need("correct", u64::from(whole) * 4)?,
            rows,
            batch_statistics,
            held: None,
            shared,
            values,
            saved,
            coefficients: space.need("norm coefficients", plan.largest.coefficients.bytes(held, lanes))?,
            moments: space.need("norm moments", plan.largest.moments.bytes(held, lanes))?,
            fusion: plan.fusion,
            part_moments,
            slopes,
            slope_of: plan.slope_of,
            masked: space.need("masked slope", held * plan.masked)?,
            addend: space.need("slope to add", held * plan.addend)?,
            parts: space.need("parts of sums", part_bytes)?,
            room: space.need("weights in the order of tiles", lanes * (copy + lane))?,
            options: options.make(space, &self.program.graph, slots, stride)?,
            leases: space.in_hand(),
        })
    }
}
