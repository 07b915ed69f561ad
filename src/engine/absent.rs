//! Samples of a set that have no place on the device: they are read and uploaded with each batch that wants them.

use super::EngineError;
use super::sample_set::SampleSet;
use crate::data::{Part, Rows};
use crate::device::Device;
use std::borrow::Cow;

/// Bytes of samples that are uploaded at once, at most.
const AT_ONCE: u64 = 16 << 20;

/// The samples of a set from `first` on.
pub(super) struct Absent {
    /// The first of them: those before it lie on the device.
    pub first: u32,
    /// Rows that are uploaded at once.
    pub at_once: usize,
    /// Bytes of a row on the device.
    pub row_bytes: u64,
    /// Where they are read; none of a set that there is only room for.
    source: Option<Source>,
}

/// A part of a data set that holds the samples from some one on.
struct Source {
    part: Part,
    /// Samples of the set that the part doesn't begin with.
    before: u32,
}

/// How many rows of a set are to lie on a device: all, or as many as take half of its free memory. The other half is for what is computed
/// with them.
pub(super) fn placed(device: &dyn Device, rows: usize, row_bytes: u64) -> usize {
    let half = free(device) / 2;
    if rows as u64 * row_bytes <= half { rows } else { (half / row_bytes) as usize }
}

fn free(device: &dyn Device) -> u64 {
    device.limits().memory.saturating_sub(device.allocated_bytes())
}

impl Absent {
    /// The rows of a set from `first` on, without the samples.
    pub fn of(device: &dyn Device, first: usize, row_bytes: u64) -> Self {
        let bytes = AT_ONCE.min(free(device) / 16);
        let at_once = (bytes / row_bytes).max(1) as usize;
        Self { first: first as u32, at_once, row_bytes, source: None }
    }

    /// Keeps what the samples are read from.
    pub fn keep(&mut self, set: &SampleSet<'_>) {
        let (part, before) = set.tail(self.first);
        self.source = Some(Source { part, before });
    }

    /// The values of some of them, as they lie on the device; none of a set that there is only room for.
    ///
    /// # Errors
    /// Samples that can't be read.
    pub fn read(&self, indices: &[u32]) -> Result<Option<Vec<u8>>, EngineError> {
        let Some(Source { part, before }) = &self.source else { return Ok(None) };
        let own: Vec<u32> = indices.iter().map(|&i| i - before).collect();
        let rows = part.picked(&own)?;
        Ok(Some(padded(&rows, own.len(), self.row_bytes as usize).into_owned()))
    }
}

/// The values of `count` rows, each as long as `row_bytes`: rows of bytes are padded to whole words.
pub(super) fn padded<'a>(rows: &'a Rows<'_>, count: usize, row_bytes: usize) -> Cow<'a, [u8]> {
    let bytes = rows.raw();
    if bytes.len() == count * row_bytes || count == 0 {
        return Cow::Borrowed(bytes);
    }
    let mut padded = vec![0u8; count * row_bytes];
    let of_row = padded.chunks_exact_mut(row_bytes).zip(bytes.chunks_exact(bytes.len() / count));
    of_row.for_each(|(padded, row)| padded[..row.len()].copy_from_slice(row));
    Cow::Owned(padded)
}
