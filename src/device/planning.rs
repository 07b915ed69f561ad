//! A device that holds no memory and computes nothing: it counts what is allocated and launched. Plans are measured on it, within
//! the limits of a real device.

use std::collections::BTreeMap;

use super::{AdapterInfo, Device, DeviceError, Limits};
use crate::recording::{BufferId, Command, Recording};

/// Counts buffers and launches.
pub struct PlanningDevice {
    info: AdapterInfo,
    limits: Limits,
    buffers: BTreeMap<BufferId, (String, u64)>,
    next: u32,
    allocated: u64,
    peak: u64,
}

impl PlanningDevice {
    /// In the place of a device: its name, tier and limits.
    pub fn like(device: &dyn Device) -> Self {
        Self::of(device.info().clone(), device.limits().clone())
    }

    /// In the place of a device of this description.
    pub fn of(info: AdapterInfo, limits: Limits) -> Self {
        Self { info, limits, buffers: BTreeMap::new(), next: 0, allocated: 0, peak: 0 }
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
        // As the GPU device rounds.
        let bytes = bytes.max(16).next_multiple_of(16);
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

    /// Checks that every binding lies in a live buffer and fits the limit; read-backs bring ones.
    fn run(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut results = Vec::new();
        for command in recording.commands() {
            match command {
                Command::Dispatch(dispatch) => {
                    for span in &dispatch.bindings {
                        let (name, held) =
                            self.buffers.get(&span.buffer).ok_or(DeviceError::NoBuffer(span.buffer.0))?;
                        if span.bytes > self.limits.binding {
                            let (name, limit) = (name.clone(), self.limits.binding);
                            return Err(DeviceError::BindingTooLarge { name, bytes: span.bytes, limit });
                        }
                        if span.offset + span.bytes > held.next_multiple_of(16) {
                            let kernel = dispatch.kernel.name;
                            return Err(DeviceError::Internal(format!("{kernel}: {span:?} passes the end of {name}")));
                        }
                    }
                }
                Command::ReadBack(span) => {
                    let one = 1f32.to_le_bytes();
                    results.push(one.iter().copied().cycle().take(span.bytes as usize).collect());
                }
                _ => {}
            }
        }
        Ok(results)
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
