//! Storage buffers, pooled by size: a buffer given back waits for the next request of its size.

use std::collections::{BTreeMap, HashMap};

use crate::device::DeviceError;
use crate::recording::BufferId;

struct Entry {
    name: String,
    bytes: u64,
    buffer: wgpu::Buffer,
}

/// The live buffers and the pool.
#[derive(Default)]
pub struct Buffers {
    live: HashMap<BufferId, Entry>,
    free: BTreeMap<u64, Vec<wgpu::Buffer>>,
    next: u32,
    allocated: u64,
    pooled: u64,
}

/// A new storage buffer.
pub fn create(device: &wgpu::Device, name: &str, bytes: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(name),
        size: bytes,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

impl Buffers {
    /// A pooled buffer of this size, if there is one.
    pub fn reuse(&mut self, name: &str, bytes: u64) -> Option<BufferId> {
        let buffer = self.free.get_mut(&bytes)?.pop()?;
        self.pooled -= bytes;
        Some(self.insert(name, bytes, buffer))
    }

    /// Takes a buffer in.
    pub fn insert(&mut self, name: &str, bytes: u64, buffer: wgpu::Buffer) -> BufferId {
        let id = BufferId(self.next);
        self.next += 1;
        self.live.insert(id, Entry { name: name.to_owned(), bytes, buffer });
        self.allocated += bytes;
        id
    }

    /// Moves a buffer to the pool.
    pub fn release(&mut self, id: BufferId) {
        if let Some(entry) = self.live.remove(&id) {
            self.allocated -= entry.bytes;
            self.pooled += entry.bytes;
            self.free.entry(entry.bytes).or_default().push(entry.buffer);
        }
    }

    /// Drops pooled buffers, largest first, until live and pooled bytes together are at most `limit`.
    pub fn trim(&mut self, limit: u64) {
        while self.pooled > 0 && self.allocated + self.pooled > limit {
            let Some(mut entry) = self.free.last_entry() else {
                return;
            };
            let bytes = *entry.key();
            if entry.get_mut().pop().is_some() {
                self.pooled -= bytes;
            }
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }

    /// The wgpu buffer behind a handle.
    pub fn get(&self, id: BufferId) -> Result<&wgpu::Buffer, DeviceError> {
        self.live.get(&id).map(|e| &e.buffer).ok_or(DeviceError::NoBuffer(id.0))
    }

    /// The name and size of a live buffer.
    pub fn named(&self, id: BufferId) -> Option<(&str, u64)> {
        self.live.get(&id).map(|e| (e.name.as_str(), e.bytes))
    }

    /// Bytes in live buffers.
    pub fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Live buffers in order of creation.
    pub fn list(&self) -> Vec<(String, u64)> {
        let mut list: Vec<_> = self.live.iter().map(|(id, e)| (id.0, e.name.clone(), e.bytes)).collect();
        list.sort_unstable();
        list.into_iter().map(|(_, name, bytes)| (name, bytes)).collect()
    }
}
