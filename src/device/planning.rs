//! A device that holds no memory and computes nothing: it counts what is allocated and launched. Plans are measured on it, within
//! the limits of a real device.

use std::collections::BTreeMap;

use super::flight::{Flight, Ticket};
use super::{AdapterInfo, Device, DeviceError, Limits, validate};
use crate::recording::{BufferId, Command, Recording, Span};

/// Counts buffers and launches.
pub struct PlanningDevice {
    info: AdapterInfo,
    limits: Limits,
    buffers: BTreeMap<BufferId, (String, u64)>,
    next: u32,
    allocated: u64,
    peak: u64,
    flight: Flight<Vec<Vec<u8>>>,
}

impl PlanningDevice {
    /// In the place of a device: its name, tier and limits.
    pub fn like(device: &dyn Device) -> Self {
        Self::of(device.info().clone(), device.limits().clone())
    }

    /// In the place of a device of this description.
    pub fn of(info: AdapterInfo, limits: Limits) -> Self {
        Self { info, limits, buffers: BTreeMap::new(), next: 0, allocated: 0, peak: 0, flight: Flight::default() }
    }
}

impl Device for PlanningDevice {
    fn info(&self) -> &AdapterInfo {
        &self.info
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn create_buffer(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError> {
        let bytes = super::whole_quads(bytes);
        super::admit(&self.limits, name, bytes, self.allocated)?;
        let id = BufferId(self.next);
        self.next += 1;
        self.buffers.insert(id, (name.to_owned(), bytes));
        self.allocated += bytes;
        self.peak = self.peak.max(self.allocated);
        Ok(id)
    }

    fn destroy_buffer(&mut self, id: BufferId) {
        self.allocated -= self.buffers.remove(&id).map_or(0, |(_, bytes)| bytes);
    }

    /// Checks the commands; read-backs bring ones.
    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError> {
        validate::check(recording, &self.limits, |id| {
            self.buffers.get(&id).map(|(name, held)| (name.as_str(), *held))
        })?;
        let one = 1f32.to_le_bytes();
        let ones = |span: &Span| one.iter().copied().cycle().take(span.bytes as usize).collect();
        let read =
            recording.commands().iter().filter_map(|c| if let Command::ReadBack(s) = c { Some(s) } else { None });
        Ok(self.flight.add(read.map(ones).collect()))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.flight.take(ticket)
    }

    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        self.run(recording).map(|_| 0.0)
    }

    fn has_timestamps(&self) -> bool {
        false
    }

    fn allocated_bytes(&self) -> u64 {
        self.allocated
    }

    fn peak_bytes(&self) -> u64 {
        self.peak
    }

    fn buffers(&self) -> Vec<(String, u64)> {
        self.buffers.values().cloned().collect()
    }
}
