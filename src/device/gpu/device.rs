//! An open wgpu device.

use std::sync::{Arc, Mutex};

use super::faults::{Failure, lock, scoped};
use super::{buffers, compile, pipelines, staging, stamps, texels};
use crate::caps::{AdapterInfo, Limits, Matrices};
use crate::device::flight::{Flight, Ticket};
use crate::device::room::{admit, whole_quads};
use crate::device::{CompileWatch, Compiled, Device, DeviceError, Timeline};
use crate::recording::{BufferId, Recording};

/// An open wgpu device.
pub struct GpuDevice {
    pub(super) info: AdapterInfo,
    pub(super) limits: Limits,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) buffers: buffers::Buffers,
    pub(super) pipelines: pipelines::Pipelines,
    pub(super) compiler: compile::Compiler,
    pub(super) texels: texels::Texels,
    pub(super) staging: staging::Staging,
    pub(super) flight: Flight<staging::ReadBacks>,
    /// A timeline that is being written.
    pub(super) watch: Option<stamps::Watch>,
    /// The most that buffers and texels took together.
    pub(super) peak: u64,
    /// Set by the driver's callbacks.
    pub(super) failure: Arc<Mutex<Failure>>,
}

impl GpuDevice {
    /// Limits what all buffers together may take from now on; `None`: what the adapter allows.
    pub fn limit_memory(&mut self, budget: Option<u64>) {
        self.drop_texels();
        self.peak = self.allocated_bytes();
        if let Some(budget) = budget {
            self.limits.memory = budget;
        }
    }

    /// Says which ways of computing products with its matrices are right.
    pub fn rely_on(&mut self, matrices: Matrices) {
        self.info.matrices = matrices;
    }

    /// The failure that a callback reported, if any. A lost device stays lost.
    pub(super) fn check(&self) -> Result<(), DeviceError> {
        let mut failure = lock(&self.failure);
        if let Some(text) = &failure.lost {
            return Err(DeviceError::Lost(text.clone()));
        }
        failure.error.take().map_or(Ok(()), Err)
    }

    /// Gives up all texels, and the bind groups that name them.
    pub(super) fn drop_texels(&mut self) {
        self.texels.clear();
        self.pipelines.forget_groups();
    }

    /// Runs `work` inside error scopes and turns what they catch, or a callback has reported, into a typed error.
    pub(super) fn scoped<T>(&self, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
        let result = scoped(&self.device, work);
        self.check()?;
        result
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
        let bytes = whole_quads(bytes);
        if admit(&self.limits, name, bytes, self.allocated_bytes()).is_err() {
            self.drop_texels();
        }
        admit(&self.limits, name, bytes, self.buffers.allocated())?;
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

    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError> {
        let read_backs = self.execute(recording)?;
        Ok(self.flight.add(read_backs))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, DeviceError> {
        let read_backs = self.flight.take(ticket)?;
        self.fetch(read_backs)
    }

    fn prepare(&mut self, recordings: &[&Recording]) -> Result<(), DeviceError> {
        let jobs = self.pipelines.missing(recordings)?;
        self.compile(jobs)
    }

    fn compiled(&self) -> Compiled {
        self.compiler.compiled()
    }

    fn watch_compiling(&mut self, watch: CompileWatch) {
        self.compiler.set_watch(watch);
    }

    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        self.execute_timed(recording)
    }

    fn has_timestamps(&self) -> bool {
        self.staging.timestamps
    }

    fn start_timeline(&mut self) -> Result<(), DeviceError> {
        self.watch()
    }

    fn take_timeline(&mut self) -> Result<Option<Timeline>, DeviceError> {
        self.watched()
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

#[cfg(test)]
mod tests {
    use super::super::{candidates, open};
    use super::*;
    use crate::device::{Selection, testing};
    use crate::recording::Span;

    #[test]
    fn a_lost_device_is_an_error_of_collect_and_of_all_that_follows() {
        if testing::device().info().kind == crate::caps::AdapterKind::Reference {
            println!("skipped: the CPU twins can't be lost");
            return;
        }
        let candidates = candidates();
        let mut device = open(&candidates[0], &Selection::default()).unwrap();
        let buffer = device.create_buffer("values", 64).unwrap();
        let mut recording = Recording::new();
        recording.clear(Span::of(buffer, 64));
        recording.read_back(Span::of(buffer, 64));
        let ticket = device.submit(&recording).unwrap();
        device.device.destroy();
        assert!(matches!(device.collect(ticket), Err(DeviceError::Lost(_))));
        for _ in 0..2 {
            assert!(matches!(device.run(&recording), Err(DeviceError::Lost(_))));
        }
        assert!(matches!(device.create_buffer("more", 1 << 20), Err(DeviceError::Lost(_))));
    }
}
