//! A device that holds no memory and computes nothing: it counts what is allocated and launched. Plans are measured on it, within
//! the limits of a real device.

use super::flight::{Flight, Ticket};
use super::held::Held;
use super::{Device, DeviceError, validate};
use crate::caps::{AdapterInfo, Limits};
use crate::recording::{BufferId, Command, Recording, Span};

/// Counts buffers and launches.
pub struct PlanningDevice {
    info: AdapterInfo,
    limits: Limits,
    buffers: Held<()>,
    flight: Flight<Vec<Vec<u8>>>,
}

impl PlanningDevice {
    /// In the place of a device: its name, tier and limits.
    pub fn like(device: &dyn Device) -> Self {
        Self::of(device.info().clone(), device.limits().clone())
    }

    /// In the place of a device of this description.
    pub fn of(info: AdapterInfo, limits: Limits) -> Self {
        Self { info, limits, buffers: Held::new(), flight: Flight::default() }
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
        self.buffers.create(&self.limits, (name, bytes), |_| ())
    }

    fn destroy_buffer(&mut self, id: BufferId) {
        self.buffers.destroy(id);
    }

    /// Checks the commands; read-backs bring ones.
    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError> {
        validate::check(recording, &self.limits, |id| self.buffers.size(id))?;
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
        self.buffers.allocated()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffers.peak()
    }

    fn buffers(&self) -> Vec<(String, u64)> {
        self.buffers.list()
    }
}
