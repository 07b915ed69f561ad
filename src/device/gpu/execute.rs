//! Encoding a recording and submitting it: dispatches in a row share a compute pass unless texels must be copied in between, and a
//! submission ends where its estimated cost reaches the budget.

use std::sync::Arc;
use std::time::Instant;

use super::GpuDevice;
use super::pipelines::{Job, Pipeline};
use super::staging::ReadBacks;
use super::stamps::Notes;
use super::texels;
use crate::device::timeline::Host;
use crate::device::{Device, DeviceError, validate};
use crate::recording::{Command, Dispatch, Recording, Span};
use crate::shaders::reflect::Texel;

/// One dispatch, ready to encode.
struct Ready {
    pipeline: Arc<Pipeline>,
    group: wgpu::BindGroup,
    /// Copies into the textures that it reads.
    copies: Vec<(u32, Span)>,
    uniform_offset: u32,
    grid: [u32; 3],
    /// The textures that it reads.
    slots: Vec<u32>,
}

impl GpuDevice {
    /// Submits a recording; see [`crate::device::Device::submit`].
    pub(super) fn execute(&mut self, recording: &Recording) -> Result<ReadBacks, DeviceError> {
        self.encode_all(recording, None)
    }

    /// Makes pipelines.
    pub(super) fn compile(&mut self, jobs: Vec<Job>) -> Result<(), DeviceError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let made = self.compiler.make(&self.device, &self.queue, jobs);
        self.check()?;
        for (job, pipeline) in made? {
            self.pipelines.insert(job, pipeline);
        }
        self.note(Host::Compile, start);
        Ok(())
    }

    /// The pipeline of a dispatch, compiled where it isn't there.
    fn pipeline(&mut self, dispatch: &Dispatch, texels: bool) -> Result<Arc<Pipeline>, DeviceError> {
        if self.pipelines.get(dispatch, texels).is_none() {
            let job = self.pipelines.job(dispatch, texels)?;
            self.compile(vec![job])?;
        }
        let missing = || DeviceError::Internal(format!("no pipeline of kernel {}", dispatch.kernel.name));
        self.pipelines.get(dispatch, texels).ok_or_else(missing)
    }

    /// Runs a recording and times it; see [`crate::device::Device::time`].
    pub(super) fn execute_timed(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        self.prepare(&[recording])?;
        if !self.staging.timestamps {
            self.wait(None)?;
            let start = Instant::now();
            drop(self.encode_all(recording, None)?);
            self.wait(None)?;
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
        drop(self.encode_all(recording, Some(&queries))?);
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
    fn encode_all(
        &mut self,
        recording: &Recording,
        queries: Option<&wgpu::QuerySet>,
    ) -> Result<ReadBacks, DeviceError> {
        let start = Instant::now();
        self.check()?;
        validate::check(recording, &self.limits, |id| self.buffers.named(id))?;
        let mut notes = if queries.is_some() { Notes::None } else { self.notes(recording.commands().len())? };
        self.prepare(&[recording])?;
        let (uploads, uniforms, lengths) = self.stage(recording);
        let read_backs = self.fill(&uploads, &uniforms, lengths)?;
        let mut submitted = start;
        let result = self.make_ready(recording).and_then(|ready| {
            self.peak = self.peak.max(self.allocated_bytes());
            submitted = Instant::now();
            self.encode(recording, &ready, read_backs, queries, &mut notes)
        });
        self.note(Host::Submit, start);
        self.keep(notes, submitted)?;
        if result.is_err() {
            // Which copies took place is not known.
            self.drop_texels();
        }
        result
    }

    /// Makes every dispatch ready, in their order: what the commands write decides which textures must be copied again.
    fn make_ready(&mut self, recording: &Recording) -> Result<Vec<Ready>, DeviceError> {
        self.texels.begin();
        let mut ready = Vec::new();
        let mut offset = 0;
        for command in recording.commands() {
            match command {
                Command::Dispatch(d) => {
                    let r = self.ready(d, offset)?;
                    let written: Vec<Span> = r.pipeline.written(d).collect();
                    written.iter().for_each(|span| self.texels.written(span));
                    self.texels.spend(&r.slots, &written);
                    ready.push(r);
                    offset += self.aligned(d.params.len());
                }
                Command::Upload { buffer, offset, data } => {
                    self.texels.written(&Span { buffer: *buffer, offset: *offset, bytes: data.len() as u64 });
                }
                Command::Clear(span) | Command::Copy { to: span, .. } => self.texels.written(span),
                Command::ReadBack(_) => {}
            }
        }
        Ok(ready)
    }

    fn encode(
        &self,
        recording: &Recording,
        ready: &[Ready],
        mut read_backs: ReadBacks,
        queries: Option<&wgpu::QuerySet>,
        notes: &mut Notes,
    ) -> Result<ReadBacks, DeviceError> {
        let device = &self.device;
        let encoder = || device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("recording") });
        self.scoped(|| {
            let mut current = encoder();
            let mut ready = ready.iter().peekable();
            let (mut upload_at, mut read_at, mut cost) = (0u64, 0u64, 0u64);
            let mut commands = recording.commands().iter().peekable();
            stamp(&mut current, queries, 0);
            notes.begin(&mut current);
            while let Some(command) = commands.next() {
                match command {
                    Command::Upload { buffer, offset, data } => {
                        let bytes = data.len() as u64;
                        if let Some(from) = &self.staging.upload {
                            current.copy_buffer_to_buffer(from, upload_at, self.buffers.get(*buffer)?, *offset, bytes);
                        }
                        upload_at += bytes;
                        notes.moved(&mut current, "upload", bytes);
                    }
                    Command::Clear(span) => {
                        current.clear_buffer(self.buffers.get(span.buffer)?, span.offset, Some(span.bytes));
                        notes.moved(&mut current, "clear", span.bytes);
                    }
                    Command::Copy { from, to } => {
                        let (a, b) = (self.buffers.get(from.buffer)?, self.buffers.get(to.buffer)?);
                        current.copy_buffer_to_buffer(a, from.offset, b, to.offset, from.bytes);
                        notes.moved(&mut current, "copy", 2 * from.bytes);
                    }
                    Command::ReadBack(span) => {
                        if let Some(to) = &read_backs.buffer {
                            let from = self.buffers.get(span.buffer)?;
                            current.copy_buffer_to_buffer(from, span.offset, to, read_at, span.bytes);
                        }
                        read_at += span.bytes;
                        notes.moved(&mut current, "read back", span.bytes);
                    }
                    Command::Dispatch(first) => {
                        let copies: &[_] = ready.peek().map_or(&[], |r| &r.copies);
                        for copy in copies {
                            self.texels.copy(&mut current, &self.buffers, *copy)?;
                        }
                        if !copies.is_empty() {
                            let bytes: u64 = copies.iter().map(|(_, span)| 2 * span.bytes).sum();
                            notes.moved(&mut current, "copy to texels", bytes);
                        }
                        if notes.by_host() {
                            self.queue.submit([std::mem::replace(&mut current, encoder()).finish()]);
                            self.wait(None)?;
                        }
                        let began = Instant::now();
                        let timestamp_writes = notes.pass(first);
                        let mut pass =
                            current.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
                        let mut next: Option<&Dispatch> = Some(first);
                        while let Some(dispatch) = next {
                            if let Some(r) = ready.next() {
                                pass.set_pipeline(&r.pipeline.pipeline);
                                pass.set_bind_group(0, &r.group, &[r.uniform_offset]);
                                pass.dispatch_workgroups(r.grid[0], r.grid[1], r.grid[2]);
                                notes.dispatched(&mut pass, dispatch);
                            }
                            cost += dispatch.cost;
                            let fresh = !notes.apart() && ready.peek().is_some_and(|r| r.copies.is_empty());
                            next = match commands.peek() {
                                Some(Command::Dispatch(d)) if fresh && cost + d.cost <= self.limits.submission_cost => {
                                    commands.next();
                                    Some(d)
                                }
                                _ => None,
                            };
                        }
                        drop(pass);
                        let following = if let Some(Command::Dispatch(d)) = commands.peek() { d.cost } else { 0 };
                        if notes.by_host() || cost + following > self.limits.submission_cost {
                            self.queue.submit([std::mem::replace(&mut current, encoder()).finish()]);
                            cost = 0;
                            if notes.by_host() {
                                self.wait(None)?;
                                notes.waited(first, began);
                            }
                            notes.begin(&mut current);
                        }
                    }
                }
            }
            stamp(&mut current, queries, 1);
            read_backs.submitted(self.queue.submit([current.finish()]));
            Ok(read_backs)
        })?
    }

    fn ready(&mut self, dispatch: &Dispatch, uniform_offset: u64) -> Result<Ready, DeviceError> {
        let device = self.device.clone();
        let mut pipeline = self.pipeline(dispatch, true)?;
        let wanted: Vec<(Span, Texel)> = pipeline.texels(dispatch).collect();
        let mut placed = texels::Placed::default();
        if !wanted.is_empty() {
            let memory = self.limits.memory;
            let limit = (memory / 4).min(memory.saturating_sub(self.buffers.allocated()));
            let mut pool = std::mem::take(&mut self.texels);
            let mut dropped = Vec::new();
            let found = self.scoped(|| pool.place(&device, &wanted, limit, &mut dropped));
            self.texels = pool;
            self.pipelines.forget_slots(&dropped);
            match found? {
                Some(found) => placed = found,
                None => pipeline = self.pipeline(dispatch, false)?,
            }
        }
        let Some(uniforms) = &self.staging.uniforms else {
            return Err(DeviceError::Internal("no uniform buffer".to_owned()));
        };
        let (buffers, texels) = (&self.buffers, &self.texels);
        let group = self.pipelines.group(&device, buffers, (texels, &placed.slots), uniforms, &pipeline, dispatch)?;
        let (group, uniform_offset) = (group.clone(), uniform_offset as u32);
        Ok(Ready { pipeline, group, copies: placed.copies, slots: placed.slots, uniform_offset, grid: dispatch.grid })
    }

    /// Waits for a submission; none: for all of them.
    pub(super) fn wait(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<(), DeviceError> {
        let polled = self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None });
        self.check()?;
        polled.map(drop).map_err(|e| DeviceError::Lost(e.to_string()))
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
