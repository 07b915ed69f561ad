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
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// f32 rows, `features` long.
    pub x: Span,
    /// A label a row.
    pub labels: Span,
    /// What lanes share beside them.
    pub shared: Vec<Span>,
}

impl Engine {
    /// The samples at `indices` as a batch, gathered unless the last batch held the same ones.
    pub(super) fn gathered(&mut self, samples: &Samples, indices: &[u32]) -> Result<Batch, EngineError> {
        let rows = indices.len();
        let alignment = self.device.limits().alignment;
        let batch = self.batch(rows as u64, samples.features())?;
        let index = self.scratch.need(self.device.as_mut(), "indices", samples.index_bytes(rows, alignment))?;
        let key = BatchKey { samples: samples.id(), indices: indices.to_vec(), releases: self.scratch.releases() };
        if self.resident.as_ref() == Some(&key) {
            return Ok(batch);
        }
        self.resident = None;
        let mut recording = Recording::new();
        samples.gather(&mut recording, indices, index, alignment, batch.x);
        recording.upload(batch.labels.buffer, 0, &samples.labels_of(indices));
        self.record_shared(&mut recording, rows as u64, batch.x, &batch.shared);
        self.submit(&recording)?;
        self.resident = Some(key);
        Ok(batch)
    }

    /// Room for a batch of so many rows.
    fn batch(&mut self, rows: u64, features: usize) -> Result<Batch, EngineError> {
        let widest = self.lowered.elements.iter().copied().fold(features, usize::max);
        self.bindable("batch", rows * widest as u64 * 4)?;
        let (device, scratch) = (self.device.as_mut(), &mut self.scratch);
        let x = scratch.need(device, "batch", rows * (features * 4) as u64)?;
        let labels = scratch.need(device, "labels", rows * 4)?;
        let shared = self.lowered.elements.iter().enumerate();
        let shared = shared.map(|(i, &values)| scratch.nth(device, "shared rows", i, rows * (values * 4) as u64));
        Ok(Batch { x, labels, shared: shared.collect::<Result<_, _>>()? })
    }

    /// Rows given as f32, as a batch.
    pub(super) fn given(&mut self, x: &[f32], labels: &[u32]) -> Result<Batch, EngineError> {
        self.resident = None;
        let rows = labels.len();
        let batch = self.batch(rows as u64, x.len() / rows.max(1))?;
        let mut recording = Recording::new();
        recording.upload(batch.x.buffer, 0, x);
        recording.upload(batch.labels.buffer, 0, labels);
        self.record_shared(&mut recording, rows as u64, batch.x, &batch.shared);
        self.submit(&recording)?;
        Ok(batch)
    }
}
