//! The buffers of a device that keeps them itself: their numbers, sizes and contents, and how much they take.

use std::collections::BTreeMap;

use super::DeviceError;
use super::room::{admit, whole_quads};
use crate::caps::Limits;
use crate::recording::BufferId;

struct Buffer<T> {
    name: String,
    bytes: u64,
    content: T,
}

/// Buffers with a content of kind `T` each.
pub(super) struct Held<T> {
    buffers: BTreeMap<BufferId, Buffer<T>>,
    next: u32,
    allocated: u64,
    peak: u64,
}

impl<T> Held<T> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { buffers: BTreeMap::new(), next: 0, allocated: 0, peak: 0 }
    }

    /// Takes a buffer of at least so many bytes, whose content is made of their number.
    ///
    /// # Errors
    /// It doesn't fit the limits.
    pub(super) fn create(
        &mut self,
        limits: &Limits,
        (name, bytes): (&str, u64),
        content: impl FnOnce(u64) -> T,
    ) -> Result<BufferId, DeviceError> {
        let bytes = whole_quads(bytes);
        admit(limits, name, bytes, self.allocated)?;
        let id = BufferId(self.next);
        self.next += 1;
        self.buffers.insert(id, Buffer { name: name.to_owned(), bytes, content: content(bytes) });
        self.allocated += bytes;
        self.peak = self.peak.max(self.allocated);
        Ok(id)
    }

    /// Gives a buffer back; one that isn't there is ignored.
    pub(super) fn destroy(&mut self, id: BufferId) {
        self.allocated -= self.buffers.remove(&id).map_or(0, |buffer| buffer.bytes);
    }

    /// Name and bytes of a buffer.
    pub(super) fn size(&self, id: BufferId) -> Option<(&str, u64)> {
        self.buffers.get(&id).map(|buffer| (buffer.name.as_str(), buffer.bytes))
    }

    /// The content of a buffer.
    pub(super) fn content(&self, id: BufferId) -> Option<&T> {
        self.buffers.get(&id).map(|buffer| &buffer.content)
    }

    /// Bytes of all buffers.
    pub(super) fn allocated(&self) -> u64 {
        self.allocated
    }

    /// The most that they were.
    pub(super) fn peak(&self) -> u64 {
        self.peak
    }

    /// Name and bytes of each, the oldest first.
    pub(super) fn list(&self) -> Vec<(String, u64)> {
        self.buffers.values().map(|buffer| (buffer.name.clone(), buffer.bytes)).collect()
    }
}
