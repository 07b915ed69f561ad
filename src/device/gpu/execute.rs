//! Encoding a recording and submitting it: uploads and uniform blocks go through one staging buffer each, dispatches in a row
//! share a compute pass, and a submission ends where its estimated cost reaches the budget.

use std::sync::Arc;
use std::time::Instant;

use super::GpuDevice;
use crate::device::DeviceError;
use crate::plan::{Command, Dispatch, Recording};

/// The buffers that carry uploads, uniform blocks, read-backs and timestamps, kept from call to call and grown as needed.
pub struct Staging {
    upload: Option<wgpu::Buffer>,
    uniforms: Option<wgpu::Buffer>,
    read_back: Option<wgpu::Buffer>,
    timestamps: bool,
    period_ns: f32,
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

/// One dispatch, ready to encode.
struct Ready {
    pipeline: Arc<super::pipelines::Pipeline>,
    group: wgpu::BindGroup,
    uniform_offset: u32,
    grid: [u32; 3],
}

impl GpuDevice {
    /// Runs a recording; see [`crate::device::Device::run`].
    pub fn execute(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.encode_all(recording, None)?;
        self.collect(recording)
    }

    /// Runs a recording and times it; see [`crate::device::Device::time`].
    pub fn execute_timed(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        if !self.staging.timestamps {
            self.wait()?;
            let start = Instant::now();
            self.encode_all(recording, None)?;
            self.wait()?;
            return Ok(start.elapsed().as_secs_f64());
        }
        let queries = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("time"),
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let resolved = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("time"),
            size: 16,
            usage,
            mapped_at_creation: false,
        });
        self.encode_all(recording, Some(&queries))?;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let mapped = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("time"),
            size: 16,
            usage,
            mapped_at_creation: false,
        });
        self.scoped(|| {
            let mut encoder =
                self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("time") });
            encoder.resolve_query_set(&queries, 0..2, &resolved, 0);
            encoder.copy_buffer_to_buffer(&resolved, 0, &mapped, 0, 16);
            self.queue.submit([encoder.finish()]);
        })?;
        let bytes = self.map(&mapped, 16)?;
        let at = |i: usize| bytes[i..i + 8].iter().rev().fold(0u64, |acc, b| acc << 8 | u64::from(*b));
        Ok(at(8).saturating_sub(at(0)) as f64 * f64::from(self.staging.period_ns) * 1e-9)
    }

    /// Encodes and submits every command. With `queries`, empty passes before the first and behind the last command note the time.
    fn encode_all(&mut self, recording: &Recording, queries: Option<&wgpu::QuerySet>) -> Result<(), DeviceError> {
        self.check()?;
        let (uploads, uniforms, read_back) = self.stage(recording);
        self.scoped_fill(&uploads, &uniforms, read_back)?;
        let mut ready = Vec::new();
        let mut offset = 0;
        for command in recording.commands() {
            if let Command::Dispatch(d) = command {
                ready.push(self.prepare(d, offset)?);
                offset += self.aligned(d.params.len());
            }
        }
        let device = self.device.clone();
        let encoder = || device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("recording") });
        self.scoped(|| {
            let mut current = encoder();
            let mut ready = ready.iter();
            let (mut upload_at, mut read_at, mut cost) = (0u64, 0u64, 0u64);
            let mut commands = recording.commands().iter().peekable();
            stamp(&mut current, queries, 0);
            while let Some(command) = commands.next() {
                match command {
                    Command::Upload { buffer, offset, data } => {
                        if let (Some(from), Ok(to)) = (&self.staging.upload, self.buffers.get(*buffer)) {
                            current.copy_buffer_to_buffer(from, upload_at, to, *offset, data.len() as u64);
                        }
                        upload_at += data.len() as u64;
                    }
                    Command::Clear(span) => {
                        if let Ok(buffer) = self.buffers.get(span.buffer) {
                            current.clear_buffer(buffer, span.offset, Some(span.bytes));
                        }
                    }
                    Command::Copy { from, to } => {
                        if let (Ok(a), Ok(b)) = (self.buffers.get(from.buffer), self.buffers.get(to.buffer)) {
                            current.copy_buffer_to_buffer(a, from.offset, b, to.offset, from.bytes);
                        }
                    }
                    Command::ReadBack(span) => {
                        if let (Some(to), Ok(from)) = (&self.staging.read_back, self.buffers.get(span.buffer)) {
                            current.copy_buffer_to_buffer(from, span.offset, to, read_at, span.bytes);
                        }
                        read_at += span.bytes;
                    }
                    Command::Dispatch(first) => {
                        let mut pass = current
                            .begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes: None });
                        let mut next: Option<&Dispatch> = Some(first);
                        while let Some(dispatch) = next {
                            if let Some(r) = ready.next() {
                                pass.set_pipeline(&r.pipeline.pipeline);
                                pass.set_bind_group(0, &r.group, &[r.uniform_offset]);
                                pass.dispatch_workgroups(r.grid[0], r.grid[1], r.grid[2]);
                            }
                            cost += dispatch.cost;
                            next = match commands.peek() {
                                Some(Command::Dispatch(d)) if cost + d.cost <= self.limits.submission_cost => {
                                    commands.next();
                                    Some(d)
                                }
                                _ => None,
                            };
                        }
                        drop(pass);
                        let following = if let Some(Command::Dispatch(d)) = commands.peek() { d.cost } else { 0 };
                        if cost + following > self.limits.submission_cost {
                            self.queue.submit([std::mem::replace(&mut current, encoder()).finish()]);
                            cost = 0;
                        }
                    }
                }
            }
            stamp(&mut current, queries, 1);
            self.queue.submit([current.finish()]);
        })
    }

    /// Gathers the bytes of all uploads and of all uniform blocks, and the length of all read-backs.
    fn stage(&self, recording: &Recording) -> (Vec<u8>, Vec<u8>, u64) {
        let (mut uploads, mut uniforms, mut read_back) = (Vec::new(), Vec::new(), 0);
        for command in recording.commands() {
            match command {
                Command::Upload { data, .. } => uploads.extend_from_slice(data),
                Command::Dispatch(d) => {
                    uniforms.extend_from_slice(&d.params);
                    uniforms.resize(uniforms.len() + self.aligned(d.params.len()) as usize - d.params.len(), 0);
                }
                Command::ReadBack(span) => read_back += span.bytes,
                Command::Clear(_) | Command::Copy { .. } => {}
            }
        }
        (uploads, uniforms, read_back)
    }

    fn aligned(&self, bytes: usize) -> u64 {
        (bytes as u64).max(1).next_multiple_of(self.limits.alignment.max(256))
    }

    fn scoped_fill(&mut self, uploads: &[u8], uniforms: &[u8], read_back: u64) -> Result<(), DeviceError> {
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

    fn prepare(&mut self, dispatch: &Dispatch, uniform_offset: u64) -> Result<Ready, DeviceError> {
        let device = self.device.clone();
        let fresh = self.pipelines.pipeline(&device, dispatch.kernel, &dispatch.variant)?;
        let Some(uniforms) = &self.staging.uniforms else {
            return Err(DeviceError::Internal("no uniform buffer".to_owned()));
        };
        let group = self.pipelines.group(&device, &self.buffers, uniforms, &fresh, dispatch)?.clone();
        Ok(Ready { pipeline: fresh, group, uniform_offset: uniform_offset as u32, grid: dispatch.grid })
    }

    fn wait(&self) -> Result<(), DeviceError> {
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| DeviceError::Lost(e.to_string()))?;
        self.check()
    }

    /// Waits for the read-backs and cuts them apart.
    fn collect(&self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
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
    fn map(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, DeviceError> {
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

/// Notes the device's time in query `index` by an empty pass.
fn stamp(encoder: &mut wgpu::CommandEncoder, queries: Option<&wgpu::QuerySet>, index: u32) {
    if let Some(query_set) = queries {
        let writes = wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(index),
            end_of_pass_write_index: None,
        };
        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(writes) });
    }
}
