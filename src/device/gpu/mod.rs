//! Devices on wgpu: the only code that imports it.
//!
//! `adapters` finds and opens, `pipelines` compiles once per key, `buffers` pools, `execute` encodes and submits.

mod adapters;
mod buffers;
mod execute;
mod pipelines;

pub use adapters::{Candidate, candidates, open};

use std::sync::{Arc, Mutex};

use super::{AdapterInfo, Device, DeviceError, Limits};
use crate::plan::{BufferId, Recording};

/// An open wgpu device.
pub struct GpuDevice {
    info: AdapterInfo,
    limits: Limits,
    device: wgpu::Device,
    queue: wgpu::Queue,
    buffers: buffers::Buffers,
    pipelines: pipelines::Pipelines,
    staging: execute::Staging,
    /// Set by the driver's callbacks: loss of the device, or an error outside any scope.
    failure: Arc<Mutex<Option<DeviceError>>>,
}

impl GpuDevice {
    /// The failure that a callback reported, if any.
    fn check(&self) -> Result<(), DeviceError> {
        let taken = self.failure.lock().map_or_else(|p| p.into_inner().take(), |mut guard| guard.take());
        taken.map_or(Ok(()), Err)
    }

    /// Runs `work` inside error scopes and turns what they catch into a typed error.
    fn scoped<T>(&self, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let value = work();
        let caught = [
            pollster::block_on(validation.pop()),
            pollster::block_on(internal.pop()),
            pollster::block_on(memory.pop()),
        ];
        self.check()?;
        match caught.into_iter().flatten().next() {
            None => Ok(value),
            Some(error) => Err(typed(error)),
        }
    }
}

/// A wgpu error as ours.
fn typed(error: wgpu::Error) -> DeviceError {
    match error {
        wgpu::Error::OutOfMemory { source } => DeviceError::OutOfMemory(source.to_string()),
        other => DeviceError::Internal(other.to_string()),
    }
}

impl Device for GpuDevice {
    fn info(&self) -> &AdapterInfo {
        &self.info
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn create_buffer(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError> {
        let bytes = bytes.max(4).next_multiple_of(4);
        self.limits.admit(name, bytes, self.buffers.allocated())?;
        if let Some(id) = self.buffers.reuse(name, bytes) {
            return Ok(id);
        }
        self.buffers.trim(self.limits.memory.saturating_sub(bytes));
        let buffer = self.scoped(|| buffers::create(&self.device, name, bytes))?;
        Ok(self.buffers.insert(name, bytes, buffer))
    }

    fn destroy_buffer(&mut self, id: BufferId) {
        self.pipelines.forget(id);
        self.buffers.release(id);
    }

    fn run(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.execute(recording)
    }

    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        self.execute_timed(recording)
    }

    fn has_timestamps(&self) -> bool {
        self.staging.has_timestamps()
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
