//! Forward and backward pass of a local step, for many clients with weights of their own at once.
//!
//! The gradient of a node's output is called its slope. Nodes are gone through from the last: each reads its own slope and
//! gives to those of its input and its residual. The first to give writes, the others add.

use std::ops::Range;

use super::batch::Batch;
use super::client_step::{OptionBuffers, StepOptions};
use super::counts::{at_most, check_batch, count};
use super::forward::Chunk;
use super::fusion::{Fusion, Purpose};
use super::lanes::WindowLanes;
use super::lowering::Lowered;
use super::{EngineError, Session};
use crate::device::{DeviceError, as_f32};
use crate::kernels::params::{Lane, SAMPLE_BLOCK};
use crate::kernels::parts::{Split, Target};
use crate::kernels::softmax_xent::Held;
use crate::kernels::tiling::Tiling;
use crate::kernels::{activation, activation_grad, add, dropout, lane_sum, softmax_xent, softmax_xent_grad};
use crate::layers::{Backward, Keeps, Mode, kind};
use crate::model::{Node, Source};
use crate::recording::arena::{self, Value};
use crate::recording::chunks::pieces;
use crate::recording::lease::Lease;
use crate::recording::{Recording, Span};
use crate::tune::Ways;

/// Buffers of local steps: weights and gradients a slot, activations of all nodes a row.
pub(super) struct StepBuffers {
    /// Clients at once.
    pub slots: usize,
    /// f32 from one slot's weights to the next's.
    pub stride: u32,
    /// Weights, `slots * stride`.
    pub weights: Span,
    /// Gradients, alike.
    pub gradients: Span,
    /// Input rows of a part.
    pub x: Span,
    /// Their labels.
    pub labels: Span,
    /// What dropouts draw their masks from; none: the model has none, or nothing is dropped.
    pub masks: Option<Span>,
    /// Losses of a whole step.
    pub losses: Span,
    /// Rows whose activations are held at once; a multiple of [`SAMPLE_BLOCK`] where it cuts a client's batch.
    pub rows: u32,
    /// Batch norms take the statistics of a step's rows and update the running ones.
    pub batch_statistics: bool,
    /// The classes that the slots' clients hold, over which their cross-entropy goes; none: all.
    pub held: Option<Held>,
    correct: Span,
    /// What lanes share beside the input.
    shared: Vec<Span>,
    /// Output of each other node.
    values: Vec<Span>,
    /// What a layer keeps for its backward pass.
    saved: Vec<Span>,
    /// A norm's coefficients and moments, each node's in turn.
    coefficients: Span,
    moments: Span,
    /// What the forward pass computes together, and its moments.
    fusion: Fusion,
    part_moments: Vec<Span>,
    /// Slopes, reused by liveness.
    slopes: Vec<Span>,
    slope_of: Vec<usize>,
    /// A slope behind a fused ReLU.
    masked: Span,
    /// A slope that is added to another.
    addend: Span,
    /// Parts of a gradient's long sums, each node's in turn.
    parts: Span,
    /// Weights in the order of tiles, each node's in turn.
    room: Span,
    /// What steps with options keep.
    pub options: OptionBuffers,
    /// Shares in these buffers.
    pub leases: Vec<Lease>,
}

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

/// One part of a local step: lanes whose rows are held at once.
pub(super) struct Part {
    /// The lanes, on the host. Their `x_row` counts the part's rows.
    pub lanes: Vec<Lane>,
    /// The part's rows in the whole step.
    pub rows: Range<usize>,
    /// Whether the gradients of an earlier part of the same batches are added to.
    pub accumulate: bool,
}

/// Loss and gradients of one pass.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// Mean loss.
    pub loss: f32,
    /// d f32, flat order.
    pub gradients: Vec<f32>,
    /// Running statistics after the pass, in the order of the model's buffers.
    pub statistics: Vec<f32>,
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
    splits: Vec<(Split, u32)>,
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
        let largest = |bytes: &dyn Fn(&(Split, u32)) -> u64| self.splits.iter().map(bytes).max().unwrap_or(0);
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

/// The working buffers of a step that hold what it starts from.
pub(super) const STARTS: [&str; 3] = ["client weights", "training batch", "training labels"];

impl StepBuffers {
    /// Where the rows of a source lie.
    fn place(&self, lowered: &Lowered, source: Source) -> Span {
        match source {
            Source::Node(node) if !lowered.shared[node] => self.values[node],
            shared => lowered.place(shared, self.x, &self.shared),
        }
    }

    /// Records the copy of rows of a batch, `features` values each, to where a part's rows lie.
    pub fn record_copy(&self, recording: &mut Recording, batch: &Batch, features: usize, rows: &Range<usize>) {
        for (from, to, row) in [(batch.x, self.x, 4 * features as u64), (batch.labels, self.labels, 4)] {
            let (offset, bytes) = (from.offset + row * rows.start as u64, row * rows.len() as u64);
            recording.copy(Span { offset, bytes, ..from }, Span { bytes, ..to });
        }
    }

    /// Cuts a step's lanes into parts that fit. More than one part only where a single client's batch doesn't fit.
    pub fn parts(&self, whole: &[Lane]) -> Vec<Part> {
        let rows = whole.iter().map(|l| l.rows).sum::<u32>();
        if rows <= self.rows {
            return vec![Part { lanes: whole.to_vec(), rows: 0..rows as usize, accumulate: false }];
        }
        let mut parts = Vec::new();
        for lane in whole {
            for piece in pieces(&[lane.rows], self.rows) {
                let first = (lane.x_row + piece.first) as usize;
                let cut = Lane { x_row: 0, out_row: lane.out_row + piece.first, row0: 0, rows: piece.rows, ..*lane };
                let rows = first..first + piece.rows as usize;
                parts.push(Part { lanes: vec![cut], rows, accumulate: piece.first > 0 });
            }
        }
        parts
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

    /// Records forward and backward pass of one part: losses and gradients; of the weights only running statistics change.
    pub(super) fn record_part(
        &self,
        recording: &mut Recording,
        plan: &StepBuffers,
        lanes: &WindowLanes,
        accumulate: bool,
    ) {
        let (mode, labels) = (Mode { masks: plan.masks, ..self.mode(None, plan.batch_statistics) }, plan.labels);
        self.record_kept_forward(recording, plan, lanes, &mode);
        let lowered = &self.program.lowered;
        let nodes = &lowered.graph.nodes;
        let (last, classes) = (nodes.len() - 1, self.program.graph.classes as u32);
        let logits = plan.values[last];
        let slope = |node: usize| plan.slopes[plan.slope_of[node]];
        let scored = softmax_xent::Scored { classes, logits, labels, held: plan.held };
        softmax_xent::record(recording, &lanes.first.samples, &scored, plan.losses, plan.correct);
        softmax_xent_grad::record(recording, &lanes.first.samples, &scored, plan.options.scales.as_ref(), slope(last));
        let ways = self.program.step_ways(plan.options.scales.is_some());
        let rows = lanes.first.samples.rows;
        let mut given = vec![false; nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev().filter(|(i, _)| lowered.weighted[*i]) {
            let (layer, len) = (kind(&node.layer), node.layer.output_len());
            let count = rows * len as u64;
            let mut dy = slope(i);
            let residual = node.residual.and_then(|from| lowered.slope_of(from));
            if layer.ends_with_relu() {
                // The residual's slope is the masked one: the first to give leaves it there.
                let to = residual.filter(|&n| !given[n]).map_or(plan.masked, slope);
                activation_grad::record(recording, activation::Kind::Relu, count as u32, plan.values[i], dy, to);
                dy = to;
            }
            if let Some(n) = residual {
                if given[n] {
                    add::record(recording, count, dy, slope(n));
                } else if dy != slope(n) {
                    recording.copy(Span { bytes: 4 * count, ..dy }, Span { bytes: 4 * count, ..slope(n) });
                }
                given[n] = true;
            }
            let input = lowered.slope_of(node.input);
            let dx = input.map(|n| if given[n] { plan.addend } else { slope(n) });
            let step = Backward {
                how: ways.gradients(&node.layer, self.program.tiling),
                from_batch: lowered.is_shared(node.input),
                weights: self.program.windows.bound(i, plan.weights),
                target: Target { gradients: self.program.windows.bound(i, plan.gradients), parts: plan.parts },
                x: plan.place(lowered, node.input),
                y: plan.values[i],
                saved: plan.saved[i],
                dy,
                dx,
                accumulate,
                batch_statistics: plan.batch_statistics,
                room: plan.room,
                masks: plan.masks,
            };
            let first = recording.commands().len();
            layer.backward(recording, lanes.of(self.program.windows.of_node(i)), &step);
            for vectors in [step.weights, step.target.gradients] {
                recording.uses(first, vectors, self.own_bytes(node, vectors, lanes.first.samples.count.into()));
            }
            if let Some(n) = input {
                if given[n] {
                    add::record(recording, rows * layer.input_len() as u64, plan.addend, slope(n));
                }
                given[n] = true;
            }
        }
    }

    /// The forward pass, every node's output kept.
    fn record_kept_forward(&self, recording: &mut Recording, plan: &StepBuffers, lanes: &WindowLanes, mode: &Mode) {
        self.record_shared(recording, lanes.first.samples.rows, plan.x, &plan.shared);
        let source = |source: Source| plan.place(&self.program.lowered, source);
        let chunk = Chunk {
            weights: plan.weights,
            saved: &|node| plan.saved[node],
            coefficients: plan.coefficients,
            moments: plan.moments,
            fusion: &plan.fusion,
            part_moments: &plan.part_moments,
            room: Some(plan.room),
            halves: &[],
        };
        self.record_nodes(recording, lanes, mode, &chunk, &source, |recording, node, lanes, io| {
            if mode.batch_statistics {
                let layer = &self.program.lowered.graph.nodes[node].layer;
                kind(layer).update_running(recording, lanes, io.moments, io.running);
            }
        });
    }

    /// Mean loss and its gradient on rows given as f32, with the shared weights, which stay as they are. `batch_statistics`: batch
    /// norms take those of the rows, and the running ones that come back are updated by them.
    pub fn gradients(&mut self, x: &[f32], labels: &[u32], batch_statistics: bool) -> Result<Gradients, EngineError> {
        let rows = count(labels.len(), "samples of a batch", "")?;
        let features = x.len() / labels.len().max(1);
        let plan = self.train_plan(rows, 1, features, batch_statistics)?;
        let whole = [Lane { rows, coef: 1.0 / rows as f32, ..Lane::default() }];
        let batch = self.given(x, labels)?;
        let layout = &self.program.lanes;
        let parts = plan.parts(&whole);
        let step = layout.bytes(1);
        let mut table = self.space.need("lanes", (parts.len() as u64 + 1) * step)?;
        let total = self.space.need("slice sums", 4)?;
        let mut recording = Recording::new();
        recording.copy(self.state.weights(), Span::of(plan.weights.buffer, self.state.weights().bytes));
        for part in &parts {
            plan.record_copy(&mut recording, &batch, features, &part.rows);
            let lanes = layout.record(&mut recording, table, &part.lanes);
            self.record_part(&mut recording, &plan, &lanes, part.accumulate);
            table.offset += step;
        }
        let lanes = layout.record(&mut recording, table, &whole);
        lane_sum::record(&mut recording, &lanes.first.samples, plan.losses, total);
        recording.read_back(total);
        recording.read_back(Span::of(plan.gradients.buffer, 4 * self.program.graph.param_count() as u64));
        recording.read_back(Span::of(plan.weights.buffer, self.state.weights().bytes));
        let read = self.space.submit(&recording)?;
        let loss = read.first().and_then(|b| as_f32(b).first().copied()).unwrap_or(f32::NAN) / rows.max(1) as f32;
        let mut values = read.iter().skip(1).map(|b| as_f32(b));
        let (gradients, weights) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        let statistics = weights.get(self.program.graph.param_count()..).unwrap_or_default().to_vec();
        Ok(Gradients { loss, gradients, statistics })
    }
}
