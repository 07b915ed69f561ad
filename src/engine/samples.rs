//! A set of samples on the device: pixels as bytes, in pages that fit a binding, normalised when a batch is gathered.

use super::EngineError;
use super::counts::count;
use crate::device::{Device, DeviceError};
use crate::kernels::gather;
use crate::recording::{BufferId, Recording, Span};

/// What a set of samples is on the host: the loaders of [`crate::data`] make it.
pub struct SampleSet<'a> {
    /// Bytes of all samples, each `features` long, channels first.
    pub pixels: &'a [u8],
    /// Classes.
    pub labels: &'a [u32],
    /// Channels and pixels a channel.
    pub shape: (usize, usize),
    /// The value of each byte of each channel, `[channels, 256]`.
    pub table: Vec<f32>,
}

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
    features: u32,
    spatial: u32,
    table: Span,
    labels: Vec<u32>,
}

impl Samples {
    /// Makes room for a set. `id` tells sets of one workspace apart.
    pub(super) fn reserve(device: &mut dyn Device, id: u64, set: &SampleSet<'_>) -> Result<Self, EngineError> {
        let (channels, spatial) = set.shape;
        let features = channels * spatial;
        let row_bytes = features.div_ceil(4).max(1) as u64 * 4;
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
        let bytes = (set.table.len() * 4) as u64;
        let table = Span::of(device.create_buffer("normalisation", bytes)?, bytes);
        let (features, spatial) = (count(features, "values of a sample", "")?, spatial as u32);
        Ok(Self { id, pages, features, spatial, table, labels: set.labels.to_vec() })
    }

    /// Uploads a set. `id` tells sets of one workspace apart.
    pub(super) fn upload(device: &mut dyn Device, id: u64, set: &SampleSet<'_>) -> Result<Self, EngineError> {
        let samples = Self::reserve(device, id, set)?;
        let features = samples.features();
        let row_bytes = features.div_ceil(4) * 4;
        // Rows are padded to whole words; many small uploads keep the staging buffer small.
        let block = ((16 << 20) / row_bytes.max(4)).max(1);
        for page in &samples.pages {
            let (first, count) = (page.first as usize, page.rows as usize);
            for start in (0..count).step_by(block) {
                let n = block.min(count - start);
                let mut padded = vec![0u8; n * row_bytes];
                for row in 0..n {
                    let from = (first + start + row) * features;
                    padded[row * row_bytes..][..features].copy_from_slice(&set.pixels[from..from + features]);
                }
                let mut recording = Recording::new();
                recording.upload(page.buffer, (start * row_bytes) as u64, &padded);
                device.run(&recording)?;
            }
        }
        let mut recording = Recording::new();
        recording.upload(samples.table.buffer, 0, &set.table);
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
        self.features as usize
    }

    /// The labels of the samples at `indices`.
    pub fn labels_of(&self, indices: &[u32]) -> Vec<u32> {
        indices.iter().map(|&i| self.labels[i as usize]).collect()
    }

    /// Words of index space that [`Samples::gather`] needs for `rows` rows: a list a page.
    pub(super) fn index_bytes(&self, rows: usize, alignment: u64) -> u64 {
        self.pages.len() as u64 * ((rows * 4) as u64).next_multiple_of(alignment)
    }

    /// Records the gathering of the samples at `indices` into rows 0, 1, ... of `x`. `index` holds at least
    /// [`Samples::index_bytes`] bytes and starts at an aligned offset.
    pub(super) fn gather(&self, recording: &mut Recording, indices: &[u32], index: Span, alignment: u64, x: Span) {
        let mut at = index.offset;
        for page in &self.pages {
            let inside = |&i: &u32| {
                if i >= page.first && i - page.first < page.rows { i - page.first } else { gather::UNTOUCHED }
            };
            let list: Vec<u32> = indices.iter().map(inside).collect();
            if list.iter().any(|&i| i != u32::MAX) {
                let span = Span { buffer: index.buffer, offset: at, bytes: (list.len() * 4) as u64 };
                recording.upload(index.buffer, at, &list);
                let pixels = Span::of(page.buffer, page.bytes);
                let buffers = gather::Buffers { index: span, pixels, table: self.table, x };
                gather::record(recording, &buffers, list.len() as u32, self.features, self.spatial, 0);
            }
            at += ((list.len() * 4) as u64).next_multiple_of(alignment);
        }
    }
}
