//! A device that engines share in turn, with the pipelines that it has compiled.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::sync::{Arc, Mutex};

use zowarmup::caps::{AdapterInfo, Limits};
use zowarmup::device::{Device, DeviceError, Ticket};
use zowarmup::recording::{BufferId, Recording};

/// One of several handles of a device.
#[derive(Clone)]
pub struct Shared {
    device: Arc<Mutex<Box<dyn Device>>>,
    info: AdapterInfo,
    limits: Limits,
}

impl Shared {
    /// The first handle.
    pub fn new(device: Box<dyn Device>) -> Self {
        let (info, limits) = (device.info().clone(), device.limits().clone());
        Self { device: Arc::new(Mutex::new(device)), info, limits }
    }

    /// Another handle, as engines take devices.
    pub fn boxed(&self) -> Box<dyn Device> {
        Box::new(self.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut dyn Device) -> T) -> T {
        work(self.device.lock().unwrap().as_mut())
    }
}

impl Device for Shared {
    fn info(&self) -> &AdapterInfo {
        &self.info
    }
    fn limits(&self) -> &Limits {
        &self.limits
    }
    fn create_buffer(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError> {
        self.with(|device| device.create_buffer(name, bytes))
    }
    fn destroy_buffer(&mut self, id: BufferId) {
        self.with(|device| device.destroy_buffer(id));
    }
    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError> {
        self.with(|device| device.submit(recording))
    }
    fn collect(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.with(|device| device.collect(ticket))
    }
    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        self.with(|device| device.time(recording))
    }
    fn has_timestamps(&self) -> bool {
        self.with(|device| device.has_timestamps())
    }
    fn allocated_bytes(&self) -> u64 {
        self.with(|device| device.allocated_bytes())
    }
    fn peak_bytes(&self) -> u64 {
        self.with(|device| device.peak_bytes())
    }
    fn buffers(&self) -> Vec<(String, u64)> {
        self.with(|device| device.buffers())
    }
}
