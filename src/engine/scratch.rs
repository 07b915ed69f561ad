//! Named working buffers that are kept from call to call and grow when more is asked of them. Where memory is short, those that only
//! an earlier piece of work used make room.

use std::collections::HashMap;

use crate::device::{Device, DeviceError};
use crate::recording::{BufferId, Span};

/// The working buffers of an engine.
#[derive(Default)]
pub struct Scratch {
    buffers: HashMap<(&'static str, usize), Held>,
    work: u64,
    releases: u64,
}

struct Held {
    buffer: BufferId,
    bytes: u64,
    /// The piece of work that asked for it last.
    work: u64,
}

impl Scratch {
    /// A piece of work begins: buffers that it doesn't ask for may be given back from now on.
    pub fn begin(&mut self) {
        self.work += 1;
    }

    /// How often buffers were given back to make room. Content from before such a time is lost.
    pub fn releases(&self) -> u64 {
        self.releases
    }

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
        let work = self.work;
        if let Some(held) = self.buffers.get_mut(&(name, n)) {
            if held.bytes >= bytes {
                held.work = work;
                return Ok(Span::of(held.buffer, bytes));
            }
            device.destroy_buffer(held.buffer);
            self.buffers.remove(&(name, n));
        }
        let buffer = match device.create_buffer(name, bytes) {
            Err(DeviceError::OverBudget { .. }) if self.release(device) => device.create_buffer(name, bytes)?,
            other => other?,
        };
        self.buffers.insert((name, n), Held { buffer, bytes, work });
        Ok(Span::of(buffer, bytes))
    }

    /// Gives back what this piece of work hasn't asked for; whether that was anything.
    fn release(&mut self, device: &mut dyn Device) -> bool {
        let before = self.buffers.len();
        self.buffers.retain(|_, held| {
            let keep = held.work == self.work;
            if !keep {
                device.destroy_buffer(held.buffer);
            }
            keep
        });
        let released = self.buffers.len() < before;
        self.releases += u64::from(released);
        released
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.buffers.values().map(|held| held.bytes).sum()
    }

    /// Gives everything back.
    pub fn clear(&mut self, device: &mut dyn Device) {
        for (_, held) in self.buffers.drain() {
            device.destroy_buffer(held.buffer);
        }
    }
}
