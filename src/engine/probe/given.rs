//! One probe on rows given as f32, as golden files have them.

use super::settings::{ProbeSettings, Run};
use super::{Table, lanes_of};
use crate::device::DeviceError;
use crate::engine::counts::count;
use crate::engine::{EngineError, Session};
use crate::kernels::params::Lane;
use crate::recording::Recording;

impl Session<'_> {
    /// One probe on rows given as f32: (loss at w + eps z, loss on the other side, dl).
    pub fn probe_given(
        &mut self,
        x: &[f32],
        labels: &[u32],
        seed: u64,
        settings: &ProbeSettings,
    ) -> Result<(f32, f32, f32), EngineError> {
        let n = count(labels.len(), "samples of a probe", "")?;
        let bytes = self.space.bindable("losses", 8 * u64::from(n))?;
        let batch = self.given(x, labels)?;
        let losses = self.space.need("losses", bytes)?;
        let correct = self.space.need("correct", bytes)?;
        let indices: Vec<u32> = (0..n).collect();
        let factors = self.factors_of(&[&[seed]], settings.distribution)?.concat();
        let directions = settings.directions(&[seed], &factors);
        let run = Run { indices: &indices, directions: &directions, weight_base: 0 };
        let table = Table::of(&[run], settings.sides);
        let lane = |(lane, k): (Lane, u32)| Lane { rows: n, out_row: k * n, ..lane };
        let lanes = lanes_of(&run, settings.sides).zip(0..).map(lane).collect();
        let mut recording = Recording::new();
        let mode = self.mode(Some(settings.distribution), settings.batch_statistics);
        self.record_losses(&mut recording, &batch, lanes, &mode, losses, correct)?;
        match self.differences(recording, &table, n, losses)?[..] {
            [read] => Ok((read.loss + read.dl / 2.0, read.loss - read.dl / 2.0, read.dl)),
            _ => Err(DeviceError::Internal("a probe read back as no pair".to_owned()).into()),
        }
    }
}
