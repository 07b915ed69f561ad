//! Input batches on the device: samples gathered (or given) as f32 rows, with their labels.

use super::{Engine, EngineError, Samples};
use crate::recording::{Recording, Span};

/// Which rows lie in a scratch batch, so that an unchanged batch isn't gathered again.
#[derive(PartialEq, Eq)]
pub(super) struct BatchKey {
    samples: u64,
    indices: Vec<u32>,
    releases: u64,
}

/// A batch of input rows on the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// f32 rows, `features` long.
    pub x: Span,
    /// A label a row.
    pub labels: Span,
}

impl Engine {
    /// The samples at `indices` as a batch, gathered unless the last batch held the same ones.
    pub(super) fn gathered(&mut self, samples: &Samples, indices: &[u32]) -> Result<Batch, EngineError> {
        let rows = indices.len();
        let alignment = self.device.limits().alignment;
        let device = self.device.as_mut();
        let x = self.scratch.need(device, "batch", (rows * samples.features() * 4) as u64)?;
        let labels = self.scratch.need(device, "labels", (rows * 4) as u64)?;
        let index = self.scratch.need(device, "indices", samples.index_bytes(rows, alignment))?;
        let key = BatchKey { samples: samples.id(), indices: indices.to_vec(), releases: self.scratch.releases() };
        let batch = Batch { x, labels };
        if self.resident.as_ref() == Some(&key) {
            return Ok(batch);
        }
        self.resident = None;
        let mut recording = Recording::new();
        samples.gather(&mut recording, indices, index, alignment, x);
        recording.upload(labels.buffer, 0, &samples.labels_of(indices));
        self.submit(&recording)?;
        self.resident = Some(key);
        Ok(batch)
    }

    /// Rows given as f32, as a batch.
    pub(super) fn given(&mut self, x: &[f32], labels: &[u32]) -> Result<Batch, EngineError> {
        self.resident = None;
        let device = self.device.as_mut();
        let batch = Batch {
            x: self.scratch.need(device, "batch", (x.len() * 4) as u64)?,
            labels: self.scratch.need(device, "labels", (labels.len() * 4) as u64)?,
        };
        let mut recording = Recording::new();
        recording.upload(batch.x.buffer, 0, x);
        recording.upload(batch.labels.buffer, 0, labels);
        self.submit(&recording)?;
        Ok(batch)
    }
}
