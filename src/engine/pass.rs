//! A forward pass of lanes as a recording of its own, for callers that run it again and again.

use super::batch;
use super::counts::count;
use super::forward::nowhere;
use super::lanes::stack;
use super::step_buffers::STARTS;
use super::{EngineError, Samples, Session};
use crate::kernels::params::Lane;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// A pass, ready to run as often as wanted, whatever else its workspace does in between: the recording holds its buffers, and those that
/// it starts from are its own.
#[derive(Clone)]
pub struct RecordedPass {
    /// What runs.
    pub recording: Recording,
    /// What it gives, f32; to be read before anything else runs.
    pub output: Span,
}

impl Session<'_> {
    /// The losses of lanes over the samples at `indices`, which their `x_row` counts: one at `out_row` for each row, as a round's
    /// probes compute them. `row0` is set here. Batch norms take their running statistics.
    pub fn losses_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<RecordedPass, EngineError> {
        let batch = self.gathered(samples, indices)?;
        let rows = lanes.iter().map(|l| u64::from(l.out_row) + u64::from(l.rows)).max().unwrap_or(0);
        self.space.bindable("losses", 4 * rows)?;
        let losses = self.space.need("losses", rows * 4)?;
        let correct = self.space.need("correct", rows * 4)?;
        let mut recording = Recording::new();
        let mode = self.mode(perturbed, false);
        self.record_losses(&mut recording, &batch, lanes, &mode, losses, correct)?;
        recording.hold(batch.leases);
        Ok(self.own(recording, losses))
    }

    /// The outputs of the last layer for lanes over the samples at `indices`: `[rows][outputs]`, lane after lane. The lanes must
    /// fit at once. `row0` is set here.
    pub fn logits_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        mut lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<RecordedPass, EngineError> {
        let batch = self.gathered(samples, indices)?;
        stack(&mut lanes);
        let layout = &self.program.lanes;
        let table = self.space.need("lanes", layout.bytes(lanes.len()))?;
        let mut recording = Recording::new();
        let lanes = layout.record(&mut recording, table, &lanes);
        let output = self.record_logits(&mut recording, &batch, &lanes, &self.mode(perturbed, false), &nowhere)?;
        recording.hold(batch.leases);
        Ok(self.own(recording, output))
    }

    /// Forward and backward pass of a local step on the samples at `indices`, as one client takes it: the gradients of the mean loss, d
    /// f32 in flat order. The weights that the client starts from are copied in at once, not by the recording.
    ///
    /// # Errors
    /// The step doesn't fit at once.
    pub fn gradients_pass(&mut self, samples: &Samples, indices: &[u32]) -> Result<RecordedPass, EngineError> {
        let rows = count(indices.len(), "samples of a batch", "")?;
        let batch = self.gathered(samples, indices)?;
        let plan = self.train_plan(rows, 1, samples.features(), true)?;
        let whole = [Lane { rows, coef: 1.0 / rows as f32, ..Lane::default() }];
        let layout = &self.program.lanes;
        let parts = plan.parts(&whole);
        let step = layout.bytes(1);
        let mut table = self.space.need("lanes", parts.len() as u64 * step)?;
        let mut start = Recording::new();
        start.copy(self.state.weights(), Span::of(plan.weights.buffer, self.state.weights().bytes));
        let mut recording = Recording::new();
        if let [whole] = &parts[..] {
            plan.record_copy(&mut start, &batch, samples.features(), &whole.rows);
        }
        self.space.submit(&start)?;
        for part in &parts {
            if parts.len() > 1 {
                plan.record_copy(&mut recording, &batch, samples.features(), &part.rows);
            }
            let lanes = layout.record(&mut recording, table, &part.lanes);
            self.record_part(&mut recording, &plan, &lanes, part.accumulate);
            table.offset += step;
        }
        recording.hold(batch.leases.into_iter().chain(plan.leases));
        let output = Span::of(plan.gradients.buffer, 4 * self.program.graph.param_count() as u64);
        Ok(self.own(recording, output))
    }

    /// Leaves to a recording what it starts from, and shares in all else that it names.
    fn own(&mut self, mut recording: Recording, output: Span) -> RecordedPass {
        recording.hold(self.space.in_hand());
        self.space.give_away(&batch::BUFFERS);
        self.space.give_away(&STARTS);
        RecordedPass { recording, output }
    }
}
