//! Forward and backward pass of a local step, for many clients with weights of their own at once.
//!
//! The gradient of a node's output is called its slope. Nodes are gone through from the last: each reads its own slope and
//! gives to those of its input and its residual. The first to give writes, the others add.

use super::forward::Chunk;
use super::fusion::{Fusion, Purpose};
use super::lanes::WindowLanes;
use super::layers::{self, How, Room};
use super::{Engine, EngineError};
use crate::device::{DeviceError, as_f32};
use crate::kernels::params::{Lane, SAMPLE_BLOCK};
use crate::kernels::parts::{Split, Target};
use crate::kernels::tiling::Tiling;
use crate::kernels::{add, softmax_xent, sums};
use crate::model::{Graph, Node, Source};
use crate::recording::arena::{self, Value};
use crate::recording::chunks::pieces;
use crate::recording::{Recording, Span};

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
    /// Input rows of a whole step.
    pub x: Span,
    /// Losses of a whole step.
    pub losses: Span,
    /// Rows whose activations are held at once; a multiple of [`SAMPLE_BLOCK`] where it cuts a client's batch.
    pub rows: u32,
    /// Batch norms take the statistics of a step's rows and update the running ones.
    pub batch_statistics: bool,
    correct: Span,
    /// Output of each node.
    values: Vec<Span>,
    /// What a layer keeps for its backward pass.
    saved: Vec<Span>,
    /// A norm's coefficients and moments, each node's in turn.
    coefficients: Span,
    moments: Span,
    /// What the forward pass computes together, and its moments.
    fusion: Fusion,
    left: Vec<Span>,
    /// Slopes, reused by liveness.
    slopes: Vec<Span>,
    slope_of: Vec<usize>,
    /// A slope behind a fused ReLU.
    masked: Span,
    /// A slope that is added to another.
    addend: Span,
    /// Parts of a gradient's long sums, each node's in turn.
    parts: Span,
}

/// One part of a local step: lanes whose rows are held at once.
pub(super) struct Part {
    /// The lanes, on the host.
    pub lanes: Vec<Lane>,
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
    saved: Vec<Room>,
    coefficients: Room,
    moments: Room,
    fusion: Fusion,
    slopes: Vec<u64>,
    slope_of: Vec<usize>,
    masked: u64,
    addend: u64,
    /// How long sums are split, and f32 of a part.
    splits: Vec<(Split, u32)>,
}

impl StepPlan {
    fn of(graph: &Graph, tiling: Tiling, batch_statistics: bool) -> Self {
        let (nodes, count, readers) = (&graph.nodes, graph.nodes.len(), graph.last_readers());
        // Step 0 is the loss, step count - i the backward pass of node i: it reads the node's slope; those of what the node read are
        // born there unless a later reader gave before.
        let mut order: Vec<usize> = (0..count).collect();
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
        let room = |each: fn(&crate::model::Layer) -> Room| {
            nodes.iter().map(|n| each(&n.layer)).fold(Room::default(), Room::max)
        };
        Self {
            values: nodes.iter().map(|n| bytes(n.layer.output_len())).collect(),
            saved: nodes.iter().map(|n| layers::saved(&n.layer)).collect(),
            coefficients: room(layers::coefficients),
            moments: room(layers::moments),
            fusion: Fusion::of(graph, tiling, Purpose { backward: true, batch_statistics }),
            slopes: elements.into_iter().map(bytes).collect(),
            slope_of,
            masked: largest(&|_, n| layers::fused_relu(&n.layer).unwrap_or(0)),
            addend: largest(&|i, n| match n.input {
                Source::Node(from) if readers[from] != i || n.residual == Some(n.input) => n.layer.input_len(),
                _ => 0,
            }),
            splits: nodes.iter().flat_map(|n| layers::splits(&n.layer, tiling)).collect(),
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
        let kept = self.saved.iter().chain([&self.coefficients, &self.moments]);
        let kept: u64 = kept.map(|room| 4 * (room.row + room.lane) as u64).sum();
        let left = 4 * self.fusion.slots.iter().sum::<usize>() as u64;
        self.values.iter().chain(&self.slopes).sum::<u64>() + kept + left + self.masked + self.addend + 8
    }
}

impl StepBuffers {
    /// Cuts a step's lanes into parts that fit. More than one part only where a single client's batch doesn't fit.
    pub fn parts(&self, whole: &[Lane]) -> Vec<Part> {
        if whole.iter().map(|l| l.rows).sum::<u32>() <= self.rows {
            return vec![Part { lanes: whole.to_vec(), accumulate: false }];
        }
        let mut parts = Vec::new();
        for lane in whole {
            for piece in pieces(&[lane.rows], self.rows) {
                let (x_row, out_row) = (lane.x_row + piece.first, lane.out_row + piece.first);
                let cut = Lane { x_row, out_row, row0: 0, rows: piece.rows, ..*lane };
                parts.push(Part { lanes: vec![cut], accumulate: piece.first > 0 });
            }
        }
        parts
    }
}

impl Engine {
    /// Plans local steps of batches of at most `batch` rows for up to `clients` clients at once, and makes the buffers.
    pub(super) fn train_plan(
        &mut self,
        batch: u32,
        clients: usize,
        features: usize,
        batch_statistics: bool,
    ) -> Result<StepBuffers, EngineError> {
        let plan = StepPlan::of(&self.graph, self.tiling(), batch_statistics);
        let row = plan.row_bytes();
        let largest = plan.values.iter().chain(&plan.slopes).copied().max().unwrap_or(4).max((features * 4) as u64);
        let limits = self.device.limits().clone();
        let stride = self.graph.state_len().next_multiple_of(64);
        let slot = (stride * 8) as u64;
        let memory = self.working_memory();
        // A step costs three forward passes; what a submission can't hold is cut between dispatches.
        let affordable = |share: u64| (memory / share / row.max(1)).min(limits.binding / largest).max(1) as u32;
        let most_rows = affordable(2);
        let by_weights = (memory / 4 / slot).min(limits.binding / (stride as u64 * 4)).min(65_535);
        let slots = u64::from(most_rows / batch.max(1)).min(by_weights).clamp(1, clients.max(1) as u64) as usize;
        let whole = slots as u32 * batch;
        let mut rows = if whole <= most_rows { whole } else { (most_rows / SAMPLE_BLOCK).max(1) * SAMPLE_BLOCK };
        if batch_statistics && self.graph.has_batch_norm() && rows < batch {
            let needed = u64::from(batch) * row + slot;
            if needed > memory {
                let (rows, missing) = (batch, needed - memory);
                return Err(EngineError::Whole { rows, needed, missing, key: "warmup.batch" });
            }
            rows = batch;
        }
        let (held, lanes) = (u64::from(rows), slots as u64);
        let part_bytes = plan.part_bytes(lanes, rows.min(batch), (memory / 16).min(limits.binding));
        let device = self.device.as_mut();
        let scratch = &mut self.scratch;
        let mut each = |name: &'static str, sizes: &mut dyn Iterator<Item = u64>| -> Result<Vec<Span>, DeviceError> {
            sizes.enumerate().map(|(i, bytes)| scratch.nth(device, name, i, bytes)).collect()
        };
        let values = each("kept activations", &mut plan.values.iter().map(|b| b * held))?;
        let saved = each("kept values of a step", &mut plan.saved.iter().map(|room| room.bytes(held, lanes)))?;
        let slopes = each("slopes", &mut plan.slopes.iter().map(|b| b * held))?;
        let left = each("moments of parts", &mut plan.fusion.slots.iter().map(|&values| 4 * values as u64 * held))?;
        let weight_bytes = (slots * stride * 4) as u64;
        Ok(StepBuffers {
            slots,
            stride: stride as u32,
            weights: scratch.need(device, "client weights", weight_bytes)?,
            gradients: scratch.need(device, "client gradients", weight_bytes)?,
            x: scratch.need(device, "training batch", u64::from(whole) * (features * 4) as u64)?,
            losses: scratch.need(device, "losses", u64::from(whole) * 4)?,
            correct: scratch.need(device, "correct", u64::from(whole) * 4)?,
            rows,
            batch_statistics,
            values,
            saved,
            coefficients: scratch.need(device, "norm coefficients", plan.coefficients.bytes(held, lanes))?,
            moments: scratch.need(device, "norm moments", plan.moments.bytes(held, lanes))?,
            fusion: plan.fusion,
            left,
            slopes,
            slope_of: plan.slope_of,
            masked: scratch.need(device, "masked slope", held * plan.masked)?,
            addend: scratch.need(device, "slope to add", held * plan.addend)?,
            parts: scratch.need(device, "parts of sums", part_bytes)?,
        })
    }

    /// Records forward and backward pass of one part: losses and gradients; of the weights only running statistics change.
    pub(super) fn record_part(
        &self,
        recording: &mut Recording,
        plan: &StepBuffers,
        lanes: &WindowLanes,
        labels: Span,
        accumulate: bool,
    ) {
        let how = self.how(None, plan.batch_statistics);
        self.record_kept_forward(recording, plan, lanes, &how);
        let nodes = &self.graph.nodes;
        let (last, classes) = (nodes.len() - 1, self.graph.classes as u32);
        let logits = plan.values[last];
        let slope = |node: usize| plan.slopes[plan.slope_of[node]];
        softmax_xent::record(recording, &lanes.first.samples, classes, logits, labels, plan.losses, plan.correct);
        softmax_xent::record_grad(recording, &lanes.first.samples, classes, logits, labels, slope(last));
        let rows = lanes.first.samples.rows;
        let mut given = vec![false; nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev() {
            let (layer, len) = (&node.layer, node.layer.output_len());
            let count = rows * len as u64;
            let mut dy = slope(i);
            let residual = node.residual.and_then(|r| if let Source::Node(n) = r { Some(n) } else { None });
            if let Some(relu) = layers::fused_relu(layer) {
                // The residual's slope is the masked one: the first to give leaves it there.
                let to = residual.filter(|&n| !given[n]).map_or(plan.masked, slope);
                layers::behind_relu(recording, rows, relu, plan.values[i], dy, to);
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
            let input = if let Source::Node(n) = node.input { Some(n) } else { None };
            let dx = input.map(|n| if given[n] { plan.addend } else { slope(n) });
            let step = layers::Backward {
                tiling: how.product.tiling,
                from_batch: input.is_none(),
                weights: self.windows.bound(i, plan.weights),
                target: Target { gradients: self.windows.bound(i, plan.gradients), parts: plan.parts },
                x: input.map_or(plan.x, |n| plan.values[n]),
                y: plan.values[i],
                saved: plan.saved[i],
                dy,
                dx,
                accumulate,
                batch_statistics: plan.batch_statistics,
            };
            layers::backward(recording, layer, lanes.of(self.windows.of_node(i)), &step);
            if let Some(n) = input {
                if given[n] {
                    add::record(recording, rows * layer.input_len() as u64, plan.addend, slope(n));
                }
                given[n] = true;
            }
        }
    }

    /// The forward pass, every node's output kept.
    fn record_kept_forward(&self, recording: &mut Recording, plan: &StepBuffers, lanes: &WindowLanes, how: &How) {
        let source = |source: Source| match source {
            Source::Batch => plan.x,
            Source::Node(n) => plan.values[n],
        };
        let chunk = Chunk {
            weights: plan.weights,
            saved: &|node| plan.saved[node],
            coefficients: plan.coefficients,
            moments: plan.moments,
            fusion: &plan.fusion,
            left: &plan.left,
        };
        self.record_nodes(recording, lanes, how, &chunk, &source, |recording, node, lanes, io| {
            if how.batch_statistics {
                layers::update_running(recording, &node.layer, lanes, io.moments, io.running);
            }
        });
    }

    /// Mean loss and its gradient on rows given as f32, with the shared weights, which stay as they are. `batch_statistics`: batch
    /// norms take those of the rows, and the running ones that come back are updated by them.
    pub fn gradients(&mut self, x: &[f32], labels: &[u32], batch_statistics: bool) -> Result<Gradients, EngineError> {
        let rows = labels.len() as u32;
        let features = x.len() / labels.len().max(1);
        let plan = self.train_plan(rows, 1, features, batch_statistics)?;
        let whole = [Lane { rows, coef: 1.0 / rows as f32, ..Lane::default() }];
        let batch = self.given(x, labels)?;
        let layout = self.lane_layout();
        let parts = plan.parts(&whole);
        let step = layout.bytes(1);
        let mut table = self.scratch.need(self.device.as_mut(), "lanes", (parts.len() as u64 + 1) * step)?;
        let total = self.scratch.need(self.device.as_mut(), "slice sums", 4)?;
        let mut recording = Recording::new();
        recording.copy(self.weights, Span::of(plan.weights.buffer, self.weights.bytes));
        recording.copy(Span::of(batch.x.buffer, (x.len() * 4) as u64), Span::of(plan.x.buffer, (x.len() * 4) as u64));
        for part in &parts {
            let lanes = layout.record(&mut recording, table, &part.lanes);
            self.record_part(&mut recording, &plan, &lanes, batch.labels, part.accumulate);
            table.offset += step;
        }
        let lanes = layout.record(&mut recording, table, &whole);
        sums::record_lane_sum(&mut recording, &lanes.first.samples, plan.losses, total);
        recording.read_back(total);
        recording.read_back(Span::of(plan.gradients.buffer, 4 * self.graph.param_count() as u64));
        recording.read_back(Span::of(plan.weights.buffer, self.weights.bytes));
        let read = self.submit(&recording)?;
        let loss = read.first().and_then(|b| as_f32(b).first().copied()).unwrap_or(f32::NAN) / rows.max(1) as f32;
        let mut values = read.iter().skip(1).map(|b| as_f32(b));
        let (gradients, weights) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        let statistics = weights.get(self.graph.param_count()..).unwrap_or_default().to_vec();
        Ok(Gradients { loss, gradients, statistics })
    }
}
