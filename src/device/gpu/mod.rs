//! Devices on wgpu: the only code that imports it.
//!
//! `adapters` finds and opens, `pipelines` compiles once per key, `buffers` pools, `texels` shadows operands, `staging` carries
//! bytes to and fro, `execute` encodes and submits. Environment: `ZOWARMUP_TEXELS=0` or `1` switches texel operands off or on
//! (`texels`), `ZOWARMUP_TIER=core` keeps to the core tier (`adapters`).

mod adapters;
mod buffers;
mod execute;
mod pipelines;
mod staging;
mod texels;

pub use adapters::{Candidate, candidates, open};

use std::sync::{Arc, Mutex};

use super::{AdapterInfo, Device, DeviceError, Limits};
use crate::recording::{BufferId, Recording};

/// An open wgpu device.
pub struct GpuDevice {
    info: AdapterInfo,
    limits: Limits,
    device: wgpu::Device,
    queue: wgpu::Queue,
    buffers: buffers::Buffers,
    pipelines: pipelines::Pipelines,
    texels: texels::Texels,
    staging: staging::Staging,
    /// The most that buffers and texels took together.
    peak: u64,
    /// Set by the driver's callbacks: loss of the device, or an error outside any scope.
    failure: Arc<Mutex<Option<DeviceError>>>,
}

impl GpuDevice {
    /// Limits what all buffers together may take; `None`: what the adapter allows.
    pub fn limit_memory(&mut self, budget: Option<u64>) {
        if let Some(budget) = budget {
            self.limits.memory = budget;
        }
    }

    /// The failure that a callback reported, if any.
    fn check(&self) -> Result<(), DeviceError> {
        let taken = self.failure.lock().map_or_else(|p| p.into_inner().take(), |mut guard| guard.take());
        taken.map_or(Ok(()), Err)
    }

    /// Gives up all texels, and the bind groups that name them.
    fn drop_texels(&mut self) {
        self.texels.clear();
        self.pipelines.forget_groups();
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
        // Whole quads, for the copies into texels.
        let bytes = bytes.max(16).next_multiple_of(16);
        if crate::device::admit(&self.limits, name, bytes, self.allocated_bytes()).is_err() {
            self.drop_texels();
        }
        crate::device::admit(&self.limits, name, bytes, self.buffers.allocated())?;
        let id = match self.buffers.reuse(name, bytes) {
            Some(id) => id,
            None => {
                self.buffers.trim(self.limits.memory.saturating_sub(bytes + self.texels.bytes()));
                let buffer = self.scoped(|| buffers::create(&self.device, name, bytes))?;
                self.buffers.insert(name, bytes, buffer)
            }
        };
        self.peak = self.peak.max(self.allocated_bytes());
        Ok(id)
    }

    fn destroy_buffer(&mut self, id: BufferId) {
        self.pipelines.forget(id);
        self.texels.forget(id);
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
        self.buffers.allocated() + self.texels.bytes()
    }

    fn peak_bytes(&self) -> u64 {
        self.peak
    }

    fn buffers(&self) -> Vec<(String, u64)> {
        self.buffers.list()
    }
}
