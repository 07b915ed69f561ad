//! Named working buffers that are kept from call to call and grow when more is asked of them.

use std::collections::HashMap;

use crate::device::{Device, DeviceError};
use crate::plan::{BufferId, Span};

/// The working buffers of an engine.
#[derive(Default)]
pub struct Scratch {
    buffers: HashMap<(&'static str, usize), (BufferId, u64)>,
}

impl Scratch {
    /// The first `bytes` bytes of the buffer of this name, grown where it is smaller. Growing loses its content.
    pub fn need(&mut self, device: &mut dyn Device, name: &'static str, bytes: u64) -> Result<Span, DeviceError> {
        self.nth(device, name, 0, bytes)
    }

    /// As [`Scratch::need`], for the `n`-th of several buffers of one name.
    pub fn nth(
        &mut self,
        device: &mut dyn Device,
        name: &'static str,
        n: usize,
        bytes: u64,
    ) -> Result<Span, DeviceError> {
        let bytes = bytes.max(4).next_multiple_of(4);
        if let Some((buffer, size)) = self.buffers.get(&(name, n)) {
            if *size >= bytes {
                return Ok(Span::of(*buffer, bytes));
            }
            device.destroy_buffer(*buffer);
            self.buffers.remove(&(name, n));
        }
        let buffer = device.create_buffer(name, bytes)?;
        self.buffers.insert((name, n), (buffer, bytes));
        Ok(Span::of(buffer, bytes))
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.buffers.values().map(|(_, bytes)| bytes).sum()
    }

    /// Gives everything back.
    pub fn clear(&mut self, device: &mut dyn Device) {
        for (_, (buffer, _)) in self.buffers.drain() {
            device.destroy_buffer(buffer);
        }
    }
}
