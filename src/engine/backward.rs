//! Forward and backward pass of a local step, for many clients with weights of their own at once.

use super::layers;
use super::{Engine, EngineError};
use crate::device::{DeviceError, as_f32};
use crate::kernels::params::{Lane, Lanes, SAMPLE_BLOCK};
use crate::kernels::{softmax_xent, sums};
use crate::plan::arena::{self, Value};
use crate::plan::chunks::pieces;
use crate::plan::{Recording, Span};

/// Buffers of local steps: weights and gradients a slot, activations of all layers a row.
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
    correct: Span,
    /// Output of each layer.
    values: Vec<Span>,
    /// What a norm layer keeps for its backward pass: mean and reciprocal deviation a group.
    saved: Vec<Span>,
    /// Gradients of activations, reused by liveness.
    slopes: Vec<Span>,
    slope_of: Vec<usize>,
    /// A slope behind a fused ReLU.
    masked: Span,
}

/// One part of a local step: lanes whose rows are held at once.
pub(super) struct Part {
    /// The lanes, on the host.
    pub lanes: Vec<Lane>,
    /// Whether the gradients of an earlier part of the same batches are added to.
    pub accumulate: bool,
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
    ) -> Result<StepBuffers, EngineError> {
        let layers = &self.chain.layers;
        let count = layers.len();
        // Step count + k is the backward pass of layer count - 1 - k: it reads the slope of its output, writes that of its input.
        let slopes: Vec<Value> = (0..count)
            .rev()
            .map(|i| Value { elements: layers[i].output_len(), born: count - 1 - i, last: count - i })
            .collect();
        let (slope_of, slope_elements) = arena::assign(&slopes);
        let kept: Vec<u64> = layers.iter().map(|l| (l.output_len() * 4) as u64).collect();
        let stats: Vec<u64> = layers.iter().map(|l| (layers::saved_values(l) * 4) as u64).collect();
        let slope_bytes: Vec<u64> = slope_elements.iter().map(|e| (e * 4) as u64).collect();
        let masked_row = kept.iter().copied().max().unwrap_or(4);
        let row: u64 = kept.iter().chain(&stats).chain(&slope_bytes).sum::<u64>() + masked_row + 8;
        let largest = kept.iter().chain(&slope_bytes).copied().max().unwrap_or(4).max((features * 4) as u64);
        let limits = self.device.limits().clone();
        let d = self.chain.param_count();
        let stride = d.next_multiple_of(64);
        let slot = (stride * 8) as u64;
        let memory = self.working_memory();
        // A step costs three forward passes; what a submission can't hold is cut between dispatches.
        let affordable = |share: u64| (memory / share / row.max(1)).min(limits.binding / largest).max(1) as u32;
        let most_rows = affordable(2);
        let by_weights = (memory / 4 / slot).min(limits.binding / (stride as u64 * 4)).min(65_535);
        let slots = u64::from(most_rows / batch.max(1)).min(by_weights).clamp(1, clients.max(1) as u64) as usize;
        let whole = slots as u32 * batch;
        let rows = if whole <= most_rows { whole } else { (most_rows / SAMPLE_BLOCK).max(1) * SAMPLE_BLOCK };
        let device = self.device.as_mut();
        let scratch = &mut self.scratch;
        let mut each = |name: &'static str, sizes: &[u64]| -> Result<Vec<Span>, DeviceError> {
            sizes.iter().enumerate().map(|(i, bytes)| scratch.nth(device, name, i, bytes * u64::from(rows))).collect()
        };
        let values = each("kept activations", &kept)?;
        let saved = each("kept statistics", &stats)?;
        let slopes = each("slopes", &slope_bytes)?;
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
            values,
            saved,
            slopes,
            slope_of,
            masked: scratch.need(device, "masked slope", u64::from(rows) * masked_row)?,
        })
    }

    /// Records forward and backward pass of one part: losses and gradients, weights unchanged.
    pub(super) fn record_part(
        &self,
        recording: &mut Recording,
        plan: &StepBuffers,
        part: &Part,
        lanes: Span,
        labels: Span,
    ) {
        let lanes = Lanes::new(lanes, &part.lanes);
        let how = self.product(None);
        let chain = &self.chain;
        let input = |i: usize| if i == 0 { plan.x } else { plan.values[i - 1] };
        for (i, layer) in chain.layers.iter().enumerate() {
            let io = layers::Forward {
                first: i == 0,
                weights: plan.weights,
                x: input(i),
                y: plan.values[i],
                saved: plan.saved[i],
            };
            layers::forward(recording, layer, &lanes, &how, &io);
        }
        let last = chain.layers.len() - 1;
        let (logits, classes) = (plan.values[last], chain.classes as u32);
        softmax_xent::record(recording, &lanes, classes, logits, labels, plan.losses, plan.correct);
        let slope = |i: usize| plan.slopes[plan.slope_of[last - i]];
        softmax_xent::record_grad(recording, &lanes, classes, logits, labels, slope(last));
        for (i, layer) in chain.layers.iter().enumerate().rev() {
            let step = layers::Backward {
                tiling: how.tiling,
                first: i == 0,
                weights: plan.weights,
                gradients: plan.gradients,
                x: input(i),
                y: plan.values[i],
                dy: slope(i),
                dx: (i > 0).then(|| slope(i - 1)),
                saved: plan.saved[i],
                masked: plan.masked,
                accumulate: part.accumulate,
            };
            layers::backward(recording, layer, &lanes, &step);
        }
    }

    /// Mean loss and its gradient (d f32, flat order) on rows given as f32, with the shared weights.
    pub fn gradients(&mut self, x: &[f32], labels: &[u32]) -> Result<(f32, Vec<f32>), EngineError> {
        let rows = labels.len() as u32;
        let features = x.len() / labels.len().max(1);
        let plan = self.train_plan(rows, 1, features)?;
        let whole = [Lane { rows, coef: 1.0 / rows as f32, ..Lane::default() }];
        let batch = self.given(x, labels)?;
        let alignment = self.device.limits().alignment;
        let parts = plan.parts(&whole);
        let table = self.scratch.need(self.device.as_mut(), "lanes", (parts.len() as u64 + 1) * alignment.max(64))?;
        let total = self.scratch.need(self.device.as_mut(), "slice sums", 4)?;
        let mut recording = Recording::new();
        recording.copy(self.weights, Span::of(plan.weights.buffer, self.weights.bytes));
        recording.copy(Span::of(batch.x.buffer, (x.len() * 4) as u64), Span::of(plan.x.buffer, (x.len() * 4) as u64));
        let at = |i: usize| Span {
            buffer: table.buffer,
            offset: i as u64 * alignment.max(64),
            bytes: size_of::<Lane>() as u64,
        };
        for (i, part) in parts.iter().enumerate() {
            recording.upload(table.buffer, at(i).offset, &part.lanes);
            self.record_part(&mut recording, &plan, part, at(i), batch.labels);
        }
        recording.upload(table.buffer, at(parts.len()).offset, &whole);
        let lanes = Lanes::new(at(parts.len()), &whole);
        sums::record_lane_sum(&mut recording, &lanes, plan.losses, total);
        recording.read_back(total);
        recording.read_back(Span::of(plan.gradients.buffer, self.weights.bytes));
        let read = self.submit(&recording)?;
        let loss = read.first().and_then(|b| as_f32(b).first().copied()).unwrap_or(f32::NAN) / rows.max(1) as f32;
        Ok((loss, read.get(1).map(|b| as_f32(b)).unwrap_or_default()))
    }
}
