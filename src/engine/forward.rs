//! The forward pass of a chunk of lanes: in one dispatch where the model is a small MLP, else layer by layer through an arena.

use super::batch::Batch;
use super::layers;
use super::{Engine, EngineError};
use crate::device::as_f32;
use crate::kernels::params::{Lane, Lanes};
use crate::kernels::tiling::{Operands, Product, Tiling};
use crate::kernels::{mlp_forward, softmax_xent, sums};
use crate::plan::arena::{self, Value};
use crate::plan::chunks::RowBudget;
use crate::plan::{Recording, Span};
use crate::stream::Distribution;

/// What a forward pass gives for rows that were handed over as f32.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// `[rows][classes]`.
    pub logits: Vec<f32>,
    /// Mean cross-entropy.
    pub loss: f32,
}

/// Rows that fit at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Rows of input batch.
    pub batch_rows: u32,
    /// Rows of all lanes of a chunk together.
    pub lane_rows: u32,
}

impl Engine {
    /// How many rows of input (`features` values each; 0: don't care) and of lanes fit the budgets.
    pub(super) fn row_budget(&self, features: usize) -> Budget {
        let limits = self.device.limits();
        let memory = self.working_memory();
        let x = RowBudget { largest_row: (features * 4).max(4) as u64, row: (features * 4 + 8) as u64, cost: 0 };
        let (_, elements) = arena::assign(&self.values());
        let bytes = |e: &usize| (*e * 4) as u64;
        let lanes = RowBudget {
            largest_row: elements.iter().map(bytes).max().unwrap_or(4),
            row: elements.iter().map(bytes).sum(),
            cost: self.chain.flops_forward(),
        };
        Budget {
            batch_rows: x.rows(limits.binding, memory / 4, u64::MAX),
            lane_rows: lanes.rows(limits.binding, memory / 2, limits.submission_cost),
        }
    }

    /// How products are computed on this device.
    pub(super) fn product(&self, perturbed: Option<Distribution>) -> Product {
        Product { tiling: Tiling::of(self.device.info()), perturbed }
    }

    /// The values of a forward pass: layer i writes value i at step i, layer i + 1 (or the loss) reads it.
    fn values(&self) -> Vec<Value> {
        let value = |(i, l): (usize, &crate::model::Layer)| Value { elements: l.output_len(), born: i, last: i + 1 };
        self.chain.layers.iter().enumerate().map(value).collect()
    }

    /// Records losses and correct flags of one chunk of lanes. `span` holds the lanes.
    #[expect(clippy::too_many_arguments, reason = "the chunk's buffers, each once")]
    pub(super) fn record_chunk_losses(
        &mut self,
        recording: &mut Recording,
        batch: Batch,
        lanes: &[Lane],
        span: Span,
        perturbed: Option<Distribution>,
        losses: Span,
        correct: Span,
    ) -> Result<(), EngineError> {
        let lanes = Lanes::new(span, lanes);
        let logits = self.record_logits(recording, batch, &lanes, &self.product(perturbed))?;
        softmax_xent::record(recording, &lanes, self.chain.classes as u32, logits, batch.labels, losses, correct);
        Ok(())
    }

    /// Buffers for the layers' outputs of `rows` rows: the slot of each layer, the slots, and a norm layer's statistics. Made for the
    /// largest chunk of a recording first: growing later would lose what its commands name.
    pub(super) fn activations(&mut self, rows: u64) -> Result<(Vec<usize>, Vec<Span>, Span), EngineError> {
        let (slots, elements) = arena::assign(&self.values());
        let device = self.device.as_mut();
        let mut spans = Vec::new();
        for (slot, elements) in elements.iter().enumerate() {
            spans.push(self.scratch.nth(device, "activations", slot, rows * (*elements as u64) * 4)?);
        }
        let saved = self.chain.layers.iter().map(layers::saved_values).max().unwrap_or(0);
        let statistics = self.scratch.need(device, "norm statistics", rows * saved as u64 * 4)?;
        Ok((slots, spans, statistics))
    }

    /// Records the layers of one chunk and returns where its logits lie.
    pub(super) fn record_logits(
        &mut self,
        recording: &mut Recording,
        batch: Batch,
        lanes: &Lanes,
        how: &Product,
    ) -> Result<Span, EngineError> {
        let (slots, spans, statistics) = self.activations(lanes.rows)?;
        if let (Some(params), Some(&y)) = (mlp_forward::Params::of(&self.chain), slots.last().map(|&s| &spans[s])) {
            let operands = Operands { weights: self.weights, x: batch.x, y };
            mlp_forward::record(recording, lanes, how, &params, &operands);
            return Ok(y);
        }
        let mut input = batch.x;
        for (i, layer) in self.chain.layers.iter().enumerate() {
            let y = spans[slots[i]];
            let bytes = lanes.rows * (layers::saved_values(layer) as u64) * 4;
            let saved = Span { bytes: bytes.max(4), ..statistics };
            let io = layers::Forward { first: i == 0, weights: self.weights, x: input, y, saved };
            layers::forward(recording, layer, lanes, how, &io);
            input = y;
        }
        Ok(input)
    }

    /// The forward pass on rows given as f32, with the shared weights.
    pub fn outputs(&mut self, x: &[f32], labels: &[u32]) -> Result<Outputs, EngineError> {
        let rows = labels.len() as u32;
        let batch = self.given(x, labels)?;
        let lane = [Lane { rows, ..Lane::default() }];
        let device = self.device.as_mut();
        let table = self.scratch.need(device, "lanes", size_of::<Lane>() as u64)?;
        let losses = self.scratch.need(device, "losses", u64::from(rows) * 4)?;
        let correct = self.scratch.need(device, "correct", u64::from(rows) * 4)?;
        let total = self.scratch.need(device, "slice sums", 4)?;
        let mut recording = Recording::new();
        recording.upload(table.buffer, 0, &lane);
        let lanes = Lanes::new(table, &lane);
        let logits = self.record_logits(&mut recording, batch, &lanes, &self.product(None))?;
        recording.read_back(Span::of(logits.buffer, u64::from(rows) * self.chain.classes as u64 * 4));
        self.record_chunk_losses(&mut recording, batch, &lane, table, None, losses, correct)?;
        sums::record_lane_sum(&mut recording, &lanes, losses, total);
        recording.read_back(total);
        let read = self.submit(&recording)?;
        let logits = read.first().map(|b| as_f32(b)).unwrap_or_default();
        let loss = read.get(1).and_then(|b| as_f32(b).first().copied()).unwrap_or(f32::NAN) / rows.max(1) as f32;
        Ok(Outputs { logits, loss })
    }
}
