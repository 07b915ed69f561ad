//! A set of samples on the device, in pages that fit a binding: pixels as bytes, normalised when a batch is gathered, or f32 as the model
//! gets them. Of a set that takes too much memory the first samples lie there; the others come with each batch ([`super::absent`]).

use super::absent::{self, Absent};
use super::counts::count;
use super::{EngineError, SampleSet};
use crate::device::{Device, DeviceError};
use crate::kernels::gather;
use crate::recording::{BufferId, Recording, Span};

pub(super) struct Page {
    pub buffer: BufferId,
    pub first: u32,
    pub rows: u32,
    pub bytes: u64,
}

/// A set of samples on the device.
pub struct Samples {
    id: u64,
    pub(super) pages: Vec<Page>,
    pub(super) absent: Option<Absent>,
    pub(super) row: gather::Row,
    pub(super) table: Span,
    labels: Vec<u32>,
}

impl Samples {
    /// Makes room for a set. `id` tells sets of one workspace apart.
    pub(super) fn reserve(device: &mut dyn Device, id: u64, set: &SampleSet<'_>) -> Result<Self, EngineError> {
        let row = set.row()?;
        let row_bytes = u64::from(row.words().max(1)) * 4;
        let limit = device.limits().binding.min(device.limits().buffer);
        if row_bytes > limit {
            let name = "a sample".to_owned();
            return Err(DeviceError::BindingTooLarge { name, bytes: row_bytes, limit }.into());
        }
        let page_rows = (limit / row_bytes) as usize;
        let rows = count(set.labels.len(), "samples of a set", "")? as usize;
        let placed = absent::placed(device, rows, row_bytes);
        let mut pages = Vec::new();
        for first in (0..placed).step_by(page_rows) {
            let rows = page_rows.min(placed - first);
            let bytes = rows as u64 * row_bytes;
            let buffer = device.create_buffer("samples", bytes)?;
            pages.push(Page { buffer, first: first as u32, rows: rows as u32, bytes });
        }
        let bytes = (set.table().len() * 4) as u64;
        let table = Span::of(device.create_buffer("normalisation", bytes)?, bytes);
        let absent = (placed < rows).then(|| Absent::of(device, placed, row_bytes));
        Ok(Self { id, pages, absent, row, table, labels: set.labels.to_vec() })
    }

    /// Uploads a set. `id` tells sets of one workspace apart.
    pub(super) fn upload(device: &mut dyn Device, id: u64, set: &SampleSet<'_>) -> Result<Self, EngineError> {
        let mut samples = Self::reserve(device, id, set)?;
        if let Some(absent) = &mut samples.absent {
            absent.keep(set);
        }
        let row_bytes = samples.row.words() as usize * 4;
        // Rows are padded to whole words; many small uploads keep the staging buffer small.
        let block = ((16 << 20) / row_bytes.max(4)).max(1);
        for page in &samples.pages {
            let (first, count) = (page.first as usize, page.rows as usize);
            for start in (0..count).step_by(block) {
                let n = block.min(count - start);
                let rows = set.rows(first + start..first + start + n)?;
                let mut recording = Recording::new();
                let bytes = absent::padded(&rows, n, row_bytes);
                recording.upload(page.buffer, (start * row_bytes) as u64, &bytes);
                device.run(&recording)?;
            }
        }
        let mut recording = Recording::new();
        recording.upload(samples.table.buffer, 0, set.table());
        device.run(&recording)?;
        Ok(samples)
    }

    /// Which set it is.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The buffers that hold the set: a device keeps them until they are given back.
    pub fn buffers(&self) -> impl Iterator<Item = BufferId> + '_ {
        self.pages.iter().map(|page| page.buffer).chain([self.table.buffer])
    }

    /// Samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Samples that lie on the device; the others are read for each batch that wants them.
    pub fn placed(&self) -> usize {
        self.absent.as_ref().map_or(self.len(), |absent| absent.first as usize)
    }

    /// Values a sample.
    pub fn features(&self) -> usize {
        self.row.features as usize
    }

    /// The labels of the samples at `indices`.
    pub fn labels_of(&self, indices: &[u32]) -> Vec<u32> {
        indices.iter().map(|&i| self.labels[i as usize]).collect()
    }

    /// Bytes of the host's memory that the samples of a batch of `rows` rows may take on their way to the device.
    pub(super) fn staged_bytes(&self, rows: usize) -> u64 {
        self.absent.as_ref().map_or(0, |absent| rows as u64 * absent.row_bytes)
    }
}
