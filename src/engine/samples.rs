//! A set of samples on the device, in pages that fit a binding: pixels as bytes, normalised when a batch is gathered, or f32 as the model
//! gets them.

use super::counts::count;
use super::{EngineError, SampleSet};
use crate::device::{Device, DeviceError};
use crate::kernels::gather;
use crate::recording::{BufferId, Recording, Span};

struct Page {
    buffer: BufferId,
    first: u32,
    rows: u32,
    bytes: u64,
}

/// A set of samples on the device.
pub struct Samples {
    id: u64,
    pages: Vec<Page>,
    row: gather::Row,
    table: Span,
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
        let mut pages = Vec::new();
        for first in (0..rows).step_by(page_rows) {
            let rows = page_rows.min(rows - first);
            let bytes = rows as u64 * row_bytes;
            let buffer = device.create_buffer("samples", bytes)?;
            pages.push(Page { buffer, first: first as u32, rows: rows as u32, bytes });
        }
        let bytes = (set.table().len() * 4) as u64;
        let table = Span::of(device.create_buffer("normalisation", bytes)?, bytes);
        Ok(Self { id, pages, row, table, labels: set.labels.to_vec() })
    }

    /// Uploads a set. `id` tells sets of one workspace apart.
    pub(super) fn upload(device: &mut dyn Device, id: u64, set: &SampleSet<'_>) -> Result<Self, EngineError> {
        let samples = Self::reserve(device, id, set)?;
        let row_bytes = samples.row.words() as usize * 4;
        // Rows are padded to whole words; many small uploads keep the staging buffer small.
        let block = ((16 << 20) / row_bytes.max(4)).max(1);
        for page in &samples.pages {
            let (first, count) = (page.first as usize, page.rows as usize);
            for start in (0..count).step_by(block) {
                let n = block.min(count - start);
                let rows = set.rows(first + start..first + start + n)?;
                let bytes = rows.raw();
                let mut recording = Recording::new();
                if bytes.len() == n * row_bytes {
                    recording.upload(page.buffer, (start * row_bytes) as u64, bytes);
                } else {
                    let mut padded = vec![0u8; n * row_bytes];
                    let of_row = padded.chunks_exact_mut(row_bytes).zip(bytes.chunks_exact(bytes.len() / n));
                    of_row.for_each(|(padded, row)| padded[..row.len()].copy_from_slice(row));
                    recording.upload(page.buffer, (start * row_bytes) as u64, &padded);
                }
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

    /// Values a sample.
    pub fn features(&self) -> usize {
        self.row.features as usize
    }

    /// The labels of the samples at `indices`.
    pub fn labels_of(&self, indices: &[u32]) -> Vec<u32> {
        indices.iter().map(|&i| self.labels[i as usize]).collect()
    }

    /// Bytes of index space that [`Samples::gather`] needs for `rows` rows: a list a page, and one of moves where they are moved.
    pub(super) fn index_bytes(&self, rows: usize, alignment: u64, moved: bool) -> u64 {
        (self.pages.len() as u64 + u64::from(moved)) * ((rows * 4) as u64).next_multiple_of(alignment)
    }

    /// Records the gathering of the samples at `indices` into rows 0, 1, ... of `x`, each moved where there are moves, with `last` channels
    /// last (1: as they are). `index` holds at
    /// least [`Samples::index_bytes`] bytes and starts at an aligned offset.
    #[expect(clippy::too_many_arguments, reason = "what one launch needs, each once")]
    pub(super) fn gather(
        &self,
        recording: &mut Recording,
        indices: &[u32],
        moves: Option<&Moves>,
        last: u32,
        index: Span,
        alignment: u64,
        x: Span,
    ) {
        let bytes = (indices.len() * 4) as u64;
        let list =
            |number: u64| Span { offset: index.offset + number * bytes.next_multiple_of(alignment), bytes, ..index };
        let moved = moves.map(|moves| {
            let words: Vec<u32> = moves.rows.iter().map(|row| row.word()).collect();
            let span = list(self.pages.len() as u64);
            recording.upload(span.buffer, span.offset, &words);
            gather::Moved { moves: span, width: moves.width, pad: moves.pad }
        });
        for (number, page) in (0..).zip(&self.pages) {
            let inside = |&i: &u32| {
                if i >= page.first && i - page.first < page.rows { i - page.first } else { gather::UNTOUCHED }
            };
            let rows: Vec<u32> = indices.iter().map(inside).collect();
            if rows.iter().all(|&i| i == gather::UNTOUCHED) {
                continue;
            }
            let span = list(number);
            recording.upload(span.buffer, span.offset, &rows);
            let pixels = Span::of(page.buffer, page.bytes);
            let buffers = gather::Buffers { index: span, pixels, table: self.table, x };
            gather::record(recording, &buffers, rows.len() as u32, gather::Row { last, ..self.row }, 0, moved.as_ref());
        }
    }
}

/// How the images of a batch are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moves {
    /// Pixels of a row of an image.
    pub width: u32,
    /// Pixels of the black border that crops may reach into.
    pub pad: u32,
    /// A move a row of the batch.
    pub rows: Vec<gather::Move>,
}

impl Moves {
    /// Those of some of the rows.
    pub(super) fn part(&self, rows: std::ops::Range<usize>) -> Self {
        Self { rows: self.rows[rows].to_vec(), ..*self }
    }
}
