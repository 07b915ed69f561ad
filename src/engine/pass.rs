//! A forward pass of lanes as a recording of its own, for callers that run it again and again.

use super::{Engine, EngineError, Samples};
use crate::kernels::params::{Lane, Lanes};
use crate::plan::{Recording, Span};
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
    /// probes compute them. `row0` is set here.
    pub fn losses_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<Pass, EngineError> {
        let batch = self.gathered(samples, indices)?;
        let rows = lanes.iter().map(|l| u64::from(l.out_row + l.rows)).max().unwrap_or(0);
        let losses = self.scratch.need(self.device.as_mut(), "losses", rows * 4)?;
        let correct = self.scratch.need(self.device.as_mut(), "correct", rows * 4)?;
        let mut recording = Recording::new();
        self.record_losses(&mut recording, batch, lanes, perturbed, losses, correct)?;
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
        let mut row0 = 0;
        for lane in &mut lanes {
            lane.row0 = row0;
            row0 += lane.rows;
        }
        let table = self.scratch.need(self.device.as_mut(), "lanes", size_of_val(&lanes[..]) as u64)?;
        let mut recording = Recording::new();
        recording.upload(table.buffer, 0, &lanes);
        let lanes = Lanes::new(table, &lanes);
        let output = self.record_logits(&mut recording, batch, &lanes, &self.product(perturbed))?;
        Ok(Pass { recording, output })
    }
}
