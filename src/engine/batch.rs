//! Input batches on the device: samples gathered (or given) as f32 rows, with their labels.

use super::gathering::Wanted;
use super::workspace::BatchKey;
use super::{EngineError, Samples, Session};
use crate::kernels::transpose;
use crate::recording::lease::Lease;
use crate::recording::{Recording, Span};

const BATCH: &str = "batch";
const LABELS: &str = "labels";
const SHARED: &str = "shared rows";
const LISTED: &str = "listed rows";

/// The working buffers that hold a batch.
pub(super) const BUFFERS: [&str; 3] = [BATCH, LABELS, SHARED];

/// A batch of input rows on the device.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// f32 rows, `features` long.
    pub x: Span,
    /// Which of them each row is (u32) that lanes name; none: they lie in that order. For models of one dispatch.
    pub listed: Option<Span>,
    /// A label a row that lanes name.
    pub labels: Span,
    /// What lanes share beside them.
    pub shared: Vec<Span>,
    /// Shares in these buffers.
    pub leases: Vec<Lease>,
}

impl Session<'_> {
    /// The samples at `indices` as a batch, gathered unless the last batch held the same ones.
    pub(super) fn gathered(&mut self, samples: &Samples, indices: &[u32]) -> Result<Batch, EngineError> {
        let rows = indices.len();
        let batch = self.batch(rows as u64, samples.features())?;
        let room = self.space.sample_room("indices", samples, rows, false)?;
        let key = BatchKey {
            program: self.program.id,
            samples: samples.id(),
            indices: indices.to_vec(),
            releases: self.space.releases(),
        };
        if self.space.resident.as_ref() == Some(&key) {
            return Ok(batch);
        }
        self.space.resident = None;
        let wanted = Wanted { indices, moves: None, last: self.program.lowered.batch_last() };
        let mut recording = Recording::new();
        for run in samples.runs(rows) {
            let last = run.end == rows;
            samples.gather(&mut recording, &wanted, run, &room, batch.x)?;
            if !last {
                // What is uploaded at once stays small.
                self.space.submit(&std::mem::take(&mut recording))?;
            }
        }
        recording.upload(batch.labels.buffer, 0, &samples.labels_of(indices));
        self.record_shared(&mut recording, rows as u64, batch.x, &batch.shared);
        self.space.submit(&recording)?;
        self.space.resident = Some(key);
        Ok(batch)
    }

    /// Samples that lanes name by the rows of a list, for models of one dispatch: row r is sample `held[rows[r]]`. Those held stay from one
    /// batch to the next, as those of [`Session::gathered`], whatever the list; `recording` gets its upload.
    pub(super) fn listed(
        &mut self,
        recording: &mut Recording,
        samples: &Samples,
        held: &[u32],
        rows: &[u32],
    ) -> Result<Batch, EngineError> {
        let batch = self.gathered(samples, held)?;
        let bytes = size_of_val(rows) as u64;
        let aligned = bytes.next_multiple_of(self.space.device().limits().alignment);
        let room = self.space.need(LISTED, aligned + bytes)?;
        let (listed, labels) = (Span { bytes, ..room }, Span { offset: room.offset + aligned, bytes, ..room });
        let indices: Vec<u32> = rows.iter().map(|&row| held[row as usize]).collect();
        recording.upload(listed.buffer, listed.offset, rows);
        recording.upload(labels.buffer, labels.offset, &samples.labels_of(&indices));
        Ok(Batch { listed: Some(listed), labels, ..batch })
    }

    /// Room for a batch of so many rows.
    fn batch(&mut self, rows: u64, features: usize) -> Result<Batch, EngineError> {
        let widest = self.program.lowered.elements.iter().copied().fold(features, usize::max);
        self.space.bindable("batch", rows * widest as u64 * 4)?;
        let x = self.space.need(BATCH, rows * (features * 4) as u64)?;
        let labels = self.space.need(LABELS, rows * 4)?;
        let shared = self.program.lowered.elements.iter().enumerate();
        let shared = shared.map(|(i, &values)| self.space.nth(SHARED, i, rows * (values * 4) as u64));
        let shared = shared.collect::<Result<_, _>>()?;
        Ok(Batch { x, listed: None, labels, shared, leases: self.space.in_hand() })
    }

    /// Rows given as f32, as a batch.
    pub(super) fn given(&mut self, x: &[f32], labels: &[u32]) -> Result<Batch, EngineError> {
        self.space.resident = None;
        let rows = labels.len();
        let batch = self.batch(rows as u64, x.len() / rows.max(1))?;
        let mut recording = Recording::new();
        let last = self.program.lowered.batch_last();
        if last > 1 {
            let rows_given = self.space.need("rows as given", (x.len() * 4) as u64)?;
            recording.upload(rows_given.buffer, 0, x);
            let pixels = x.len() as u32 / rows.max(1) as u32 / last;
            transpose::record(&mut recording, rows as u32, (last, pixels), rows_given, batch.x);
        } else {
            recording.upload(batch.x.buffer, 0, x);
        }
        recording.upload(batch.labels.buffer, 0, labels);
        self.record_shared(&mut recording, rows as u64, batch.x, &batch.shared);
        self.space.submit(&recording)?;
        Ok(batch)
    }
}
