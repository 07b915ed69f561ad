//! Bytes to and fro: uploads, uniform blocks and read-backs go through one staging buffer each.

use super::GpuDevice;
use crate::device::DeviceError;
use crate::recording::{Command, Recording};

/// The buffers that carry uploads, uniform blocks, read-backs and timestamps, kept from call to call and grown as needed.
pub struct Staging {
    pub upload: Option<wgpu::Buffer>,
    pub uniforms: Option<wgpu::Buffer>,
    pub read_back: Option<wgpu::Buffer>,
    pub timestamps: bool,
    pub period_ns: f32,
}

impl Staging {
    pub fn new(timestamps: bool, period_ns: f32) -> Self {
        Self { upload: None, uniforms: None, read_back: None, timestamps, period_ns }
    }

    pub fn has_timestamps(&self) -> bool {
        self.timestamps
    }
}

/// Grows `slot` to hold `bytes`; true where a new buffer replaced the old.
fn grow(
    device: &wgpu::Device,
    slot: &mut Option<wgpu::Buffer>,
    label: &str,
    bytes: u64,
    usage: wgpu::BufferUsages,
) -> bool {
    if slot.as_ref().is_some_and(|b| b.size() >= bytes) {
        return false;
    }
    let size = bytes.next_power_of_two().max(4096);
    *slot = Some(device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage,
        mapped_at_creation: false,
    }));
    true
}

impl GpuDevice {
    /// Gathers the bytes of all uploads and of all uniform blocks, and the length of all read-backs. Checks that
    /// all buffers exist.
    pub(super) fn stage(&self, recording: &Recording) -> Result<(Vec<u8>, Vec<u8>, u64), DeviceError> {
        let (mut uploads, mut uniforms, mut read_back) = (Vec::new(), Vec::new(), 0);
        for command in recording.commands() {
            match command {
                Command::Upload { buffer, data, .. } => {
                    self.buffers.get(*buffer)?;
                    uploads.extend_from_slice(data);
                }
                Command::Dispatch(d) => {
                    for span in &d.bindings {
                        self.buffers.get(span.buffer)?;
                    }
                    uniforms.extend_from_slice(&d.params);
                    uniforms.resize(uniforms.len() + self.aligned(d.params.len()) as usize - d.params.len(), 0);
                }
                Command::ReadBack(span) => {
                    self.buffers.get(span.buffer)?;
                    read_back += span.bytes;
                }
                Command::Clear(span) => {
                    self.buffers.get(span.buffer)?;
                }
                Command::Copy { from, to } => {
                    self.buffers.get(from.buffer)?;
                    self.buffers.get(to.buffer)?;
                }
            }
        }
        Ok((uploads, uniforms, read_back))
    }

    pub(super) fn aligned(&self, bytes: usize) -> u64 {
        (bytes as u64).max(1).next_multiple_of(self.limits.alignment.max(256))
    }

    /// Writes what [`Self::stage`] gathered into the staging buffers.
    pub(super) fn fill(&mut self, uploads: &[u8], uniforms: &[u8], read_back: u64) -> Result<(), DeviceError> {
        use wgpu::BufferUsages as U;
        let mut staging = std::mem::replace(&mut self.staging, Staging::new(false, 0.0));
        let result = self.scoped(|| {
            grow(&self.device, &mut staging.upload, "uploads", uploads.len() as u64, U::COPY_SRC | U::COPY_DST);
            grow(&self.device, &mut staging.read_back, "read-backs", read_back, U::MAP_READ | U::COPY_DST);
            // The longest bound block reaches past the last one's start: keep room behind it.
            let fresh = grow(
                &self.device,
                &mut staging.uniforms,
                "uniforms",
                uniforms.len() as u64 + 4096,
                U::UNIFORM | U::COPY_DST,
            );
            if let (Some(buffer), false) = (&staging.upload, uploads.is_empty()) {
                self.queue.write_buffer(buffer, 0, uploads);
            }
            if let (Some(buffer), false) = (&staging.uniforms, uniforms.is_empty()) {
                self.queue.write_buffer(buffer, 0, uniforms);
            }
            fresh
        });
        self.staging = staging;
        if result? {
            self.pipelines.forget_groups();
        }
        Ok(())
    }

    /// Waits for the read-backs and cuts them apart.
    pub(super) fn collect(&self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
        let spans: Vec<u64> = recording
            .commands()
            .iter()
            .filter_map(|c| if let Command::ReadBack(s) = c { Some(s.bytes) } else { None })
            .collect();
        let total: u64 = spans.iter().sum();
        let Some(buffer) = self.staging.read_back.as_ref().filter(|_| total > 0) else {
            return Ok(Vec::new());
        };
        let bytes = self.map(buffer, total)?;
        let mut rest = bytes.as_slice();
        Ok(spans
            .into_iter()
            .map(|n| {
                let (head, tail) = rest.split_at(n as usize);
                rest = tail;
                head.to_vec()
            })
            .collect())
    }

    /// The first `bytes` bytes of a mappable buffer, once all submitted work is done.
    pub(super) fn map(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, DeviceError> {
        let (sender, receiver) = std::sync::mpsc::channel();
        buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            let _ = sender.send(result);
        });
        self.wait()?;
        let lost = |text: String| DeviceError::Lost(text);
        receiver.recv().map_err(|e| lost(e.to_string()))?.map_err(|e| lost(e.to_string()))?;
        let copy = {
            let view = buffer.get_mapped_range(0..bytes).map_err(|e| DeviceError::Internal(e.to_string()))?;
            view.to_vec()
        };
        buffer.unmap();
        Ok(copy)
    }
}
