//! Forward and backward pass on rows that are given as f32.

use super::counts::{check_batch, count};
use super::forward::nowhere;
use super::lanes::stack;
use super::{EngineError, Session};
use crate::device::as_f32;
use crate::kernels::lane_sum;
use crate::kernels::params::Lane;
use crate::recording::{Recording, Span};

/// What a forward pass gives for rows that were handed over as f32.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// `[rows][classes]`.
    pub logits: Vec<f32>,
    /// Mean cross-entropy.
    pub loss: f32,
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

impl Session<'_> {
    /// The forward pass on rows given as f32, with the shared weights.
    pub fn outputs(&mut self, x: &[f32], labels: &[u32], batch_statistics: bool) -> Result<Outputs, EngineError> {
        let rows = count(labels.len(), "samples of a batch", "")?;
        if batch_statistics {
            check_batch(&self.program.graph, rows, "warmup.batch")?;
        }
        let batch = self.given(x, labels)?;
        let mut lane = [Lane { rows, ..Lane::default() }];
        stack(&mut lane);
        let layout = &self.program.lanes;
        let table = self.space.need("lanes", layout.bytes(1))?;
        let losses = self.space.need("losses", u64::from(rows) * 4)?;
        let correct = self.space.need("correct", u64::from(rows) * 4)?;
        let total = self.space.need("slice sums", 4)?;
        let mut recording = Recording::new();
        let lanes = layout.record(&mut recording, table, &lane);
        let mode = self.mode(None, batch_statistics);
        let logits = self.record_logits(&mut recording, &batch, &lanes, &mode, &nowhere)?;
        recording.read_back(Span::of(logits.buffer, u64::from(rows) * self.program.graph.classes as u64 * 4));
        self.record_chunk_losses(&mut recording, &batch, &lanes, &mode, losses, correct)?;
        lane_sum::record(&mut recording, &lanes.first.samples, losses, total);
        recording.read_back(total);
        let read = self.space.submit(&recording)?;
        let logits = read.first().map(|b| as_f32(b)).unwrap_or_default();
        let loss = read.get(1).and_then(|b| as_f32(b).first().copied()).unwrap_or(f32::NAN) / rows.max(1) as f32;
        Ok(Outputs { logits, loss })
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
