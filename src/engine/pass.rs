//! A forward pass of lanes as a recording of its own, for callers that run it again and again.

use super::counts::count;
use super::forward::nowhere;
use super::lanes::stack;
use super::{Engine, EngineError, Samples};
use crate::kernels::params::Lane;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// A forward pass, ready to run. It uses the engine's working buffers, so it holds until the engine is asked for anything that
/// needs them larger or filled otherwise; passes of equal lanes over the same samples hold side by side.
#[derive(Clone)]
pub struct Pass {
    /// What runs.
    pub recording: Recording,
    /// What it gives, f32.
    pub output: Span,
}

impl Engine {
    /// The losses of lanes over the samples at `indices`, which their `x_row` counts: one at `out_row` for each row, as a round's
    /// probes compute them. `row0` is set here. Batch norms take their running statistics.
    pub fn losses_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<Pass, EngineError> {
        let batch = self.gathered(samples, indices)?;
        let rows = lanes.iter().map(|l| u64::from(l.out_row) + u64::from(l.rows)).max().unwrap_or(0);
        self.bindable("losses", 4 * rows)?;
        let losses = self.scratch.need(self.device.as_mut(), "losses", rows * 4)?;
        let correct = self.scratch.need(self.device.as_mut(), "correct", rows * 4)?;
        let mut recording = Recording::new();
        let how = self.how(perturbed, false);
        self.record_losses(&mut recording, &batch, lanes, &how, losses, correct)?;
        Ok(Pass { recording, output: losses })
    }

    /// The outputs of the last layer for lanes over the samples at `indices`: `[rows][outputs]`, lane after lane. The lanes must
    /// fit at once. `row0` is set here.
    pub fn logits_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        mut lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<Pass, EngineError> {
        let batch = self.gathered(samples, indices)?;
        stack(&mut lanes);
        let layout = self.lane_layout();
        let table = self.scratch.need(self.device.as_mut(), "lanes", layout.bytes(lanes.len()))?;
        let mut recording = Recording::new();
        let lanes = layout.record(&mut recording, table, &lanes);
        let output = self.record_logits(&mut recording, &batch, &lanes, &self.how(perturbed, false), &nowhere)?;
        Ok(Pass { recording, output })
    }

    /// Forward and backward pass of a local step on the samples at `indices`, as one client takes it: the gradients of the mean loss, d
    /// f32 in flat order. The weights that the client starts from are copied in at once, not by the recording.
    ///
    /// # Errors
    /// The step doesn't fit at once.
    pub fn gradients_pass(&mut self, samples: &Samples, indices: &[u32]) -> Result<Pass, EngineError> {
        let rows = count(indices.len(), "samples of a batch", "")?;
        let batch = self.gathered(samples, indices)?;
        let plan = self.train_plan(rows, 1, samples.features(), true)?;
        let whole = [Lane { rows, coef: 1.0 / rows as f32, ..Lane::default() }];
        let layout = self.lane_layout();
        let parts = plan.parts(&whole);
        let step = layout.bytes(1);
        let mut table = self.scratch.need(self.device.as_mut(), "lanes", parts.len() as u64 * step)?;
        let mut start = Recording::new();
        start.copy(self.weights, Span::of(plan.weights.buffer, self.weights.bytes));
        let mut recording = Recording::new();
        if let [whole] = &parts[..] {
            plan.record_copy(&mut start, &batch, samples.features(), &whole.rows);
        }
        self.submit(&start)?;
        for part in &parts {
            if parts.len() > 1 {
                plan.record_copy(&mut recording, &batch, samples.features(), &part.rows);
            }
            let lanes = layout.record(&mut recording, table, &part.lanes);
            self.record_part(&mut recording, &plan, &lanes, part.accumulate);
            table.offset += step;
        }
        Ok(Pass { recording, output: Span::of(plan.gradients.buffer, 4 * self.graph.param_count() as u64) })
    }
}
