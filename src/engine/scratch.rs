//! Named working buffers that are kept from call to call and grow when more is asked of them. Where memory is short, those that only
//! an earlier piece of work used make room. A buffer that has grown is another: whoever holds the smaller one keeps it.

use std::collections::HashMap;

use crate::device::{Device, DeviceError};
use crate::recording::Span;
use crate::recording::lease::{Lease, Returned};

/// The working buffers of a workspace.
#[derive(Default)]
pub struct Scratch {
    buffers: HashMap<(&'static str, usize), Held>,
    /// Shares in what was asked for since the last submission.
    in_hand: Vec<Lease>,
    returned: Returned,
    work: u64,
    releases: u64,
}

struct Held {
    lease: Lease,
    bytes: u64,
    /// The piece of work that asked for it last.
    work: u64,
}

impl Scratch {
    /// A piece of work begins: buffers that it doesn't ask for may be given back from now on.
    pub fn begin(&mut self, device: &mut dyn Device) {
        self.work += 1;
        self.put_down();
        self.destroy_returned(device);
    }

    /// What was recorded so far has run, or never will.
    pub fn put_down(&mut self) {
        self.in_hand.clear();
    }

    /// Shares in what was asked for since the last submission.
    pub fn in_hand(&self) -> &[Lease] {
        &self.in_hand
    }

    /// How often buffers were given back to make room. Content from before such a time is lost.
    pub fn releases(&self) -> u64 {
        self.releases
    }

    /// The first `bytes` bytes of the `n`-th buffer of this name, another where it is smaller. That one's content is undefined.
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
                let buffer = held.lease.buffer();
                if self.in_hand.iter().all(|lease| lease.buffer() != buffer) {
                    self.in_hand.push(held.lease.clone());
                }
                return Ok(Span::of(buffer, bytes));
            }
            self.buffers.remove(&(name, n));
        }
        let (span, lease) = self.buffer(device, name, bytes)?;
        self.in_hand.push(lease.clone());
        self.buffers.insert((name, n), Held { lease, bytes, work });
        Ok(span)
    }

    /// A buffer that isn't kept under a name.
    pub fn buffer(&mut self, device: &mut dyn Device, name: &str, bytes: u64) -> Result<(Span, Lease), DeviceError> {
        self.destroy_returned(device);
        let buffer = match device.create_buffer(name, bytes) {
            Err(DeviceError::OverBudget { .. }) if self.release(device) => device.create_buffer(name, bytes)?,
            other => other?,
        };
        Ok((Span::of(buffer, bytes), self.returned.lease(buffer)))
    }

    /// Leaves the buffers of these names to those who hold them.
    pub fn give_away(&mut self, names: &[&'static str]) {
        self.buffers.retain(|(name, _), _| !names.contains(name));
    }

    /// Gives back what this piece of work hasn't asked for; whether that was anything.
    fn release(&mut self, device: &mut dyn Device) -> bool {
        let before = self.buffers.len();
        self.buffers.retain(|_, held| held.work == self.work);
        let released = self.buffers.len() < before;
        self.releases += u64::from(released);
        self.destroy_returned(device);
        released
    }

    fn destroy_returned(&self, device: &mut dyn Device) {
        for buffer in self.returned.take() {
            device.destroy_buffer(buffer);
        }
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.buffers.values().map(|held| held.bytes).sum()
    }

    /// Gives everything back.
    pub fn clear(&mut self, device: &mut dyn Device) {
        self.buffers.clear();
        self.put_down();
        self.destroy_returned(device);
    }
}
