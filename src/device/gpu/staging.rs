//! Bytes to and fro. Uploads and uniform blocks go through one buffer each: the queue writes them in order, so a submission may be
//! filled while others are on their way. Read-backs have a buffer a submission.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::GpuDevice;
use crate::device::DeviceError;
use crate::device::timeline::Host;
use crate::recording::{Command, Recording};

/// Read-back buffers that wait for another submission, at most.
const WAITING: usize = 4;

/// How long a GPU's results are looked for before the thread sleeps.
const SPIN: Duration = Duration::from_micros(300);

/// The buffers that carry uploads, uniform blocks and read-backs, kept from call to call and grown as needed.
pub struct Staging {
    pub upload: Option<wgpu::Buffer>,
    pub uniforms: Option<wgpu::Buffer>,
    waiting: Vec<wgpu::Buffer>,
    pub timestamps: bool,
    pub period_ns: f32,
}

/// What a submission reads back.
pub struct ReadBacks {
    /// None: nothing.
    pub buffer: Option<wgpu::Buffer>,
    /// Bytes of each.
    lengths: Vec<u64>,
    /// What is behind the submission, and word of the buffer's mapping.
    under_way: Option<(wgpu::SubmissionIndex, Mapped)>,
}

/// A mapping that was waited for without sleeping.
enum Spun {
    Done,
    Waiting(Mapped),
}

type Mapped = mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>;

impl ReadBacks {
    /// Notes that all is submitted, and asks for the bytes.
    pub fn submitted(&mut self, index: wgpu::SubmissionIndex) {
        let bytes: u64 = self.lengths.iter().sum();
        self.under_way = self.buffer.as_ref().map(|buffer| (index, map(buffer, bytes)));
    }
}

/// Maps the first `bytes` bytes of a buffer when the work before is done.
fn map(buffer: &wgpu::Buffer, bytes: u64) -> Mapped {
    let (sender, receiver) = mpsc::channel();
    buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
        let _ = sender.send(result);
    });
    receiver
}

impl Staging {
    pub fn new(timestamps: bool, period_ns: f32) -> Self {
        Self { upload: None, uniforms: None, waiting: Vec::new(), timestamps, period_ns }
    }

    /// A buffer to read `bytes` bytes back.
    fn read_back(&mut self, device: &wgpu::Device, bytes: u64) -> wgpu::Buffer {
        let fitting = (0..self.waiting.len()).filter(|&i| self.waiting[i].size() >= bytes);
        match fitting.min_by_key(|&i| self.waiting[i].size()) {
            Some(index) => self.waiting.swap_remove(index),
            None => create(device, "read-backs", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
        }
    }

    /// Takes a read-back buffer back; the smallest go where too many wait.
    fn give_back(&mut self, buffer: wgpu::Buffer) {
        self.waiting.push(buffer);
        self.waiting.sort_by_key(|b| std::cmp::Reverse(b.size()));
        self.waiting.truncate(WAITING);
    }
}

fn create(device: &wgpu::Device, label: &str, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let size = bytes.next_power_of_two().max(4096);
    device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
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
    *slot = Some(create(device, label, bytes, usage));
    true
}

impl GpuDevice {
    /// Gathers the bytes of all uploads and of all uniform blocks, and the lengths of all read-backs.
    pub(super) fn stage(&self, recording: &Recording) -> (Vec<u8>, Vec<u8>, Vec<u64>) {
        let (mut uploads, mut uniforms, mut read_backs) = (Vec::new(), Vec::new(), Vec::new());
        for command in recording.commands() {
            match command {
                Command::Upload { data, .. } => uploads.extend_from_slice(data),
                Command::Dispatch(d) => {
                    uniforms.extend_from_slice(&d.params);
                    uniforms.resize(uniforms.len() + self.aligned(d.params.len()) as usize - d.params.len(), 0);
                }
                Command::ReadBack(span) => read_backs.push(span.bytes),
                Command::Clear(_) | Command::Copy { .. } => {}
            }
        }
        (uploads, uniforms, read_backs)
    }

    pub(super) fn aligned(&self, bytes: usize) -> u64 {
        (bytes as u64).max(1).next_multiple_of(self.limits.alignment.max(256))
    }

    /// Writes what [`Self::stage`] gathered into the staging buffers, and finds a place for the read-backs.
    pub(super) fn fill(
        &mut self,
        uploads: &[u8],
        uniforms: &[u8],
        lengths: Vec<u64>,
    ) -> Result<ReadBacks, DeviceError> {
        use wgpu::BufferUsages as U;
        let mut staging = std::mem::replace(&mut self.staging, Staging::new(false, 0.0));
        let read: u64 = lengths.iter().sum();
        let result = self.scoped(|| {
            grow(&self.device, &mut staging.upload, "uploads", uploads.len() as u64, U::COPY_SRC | U::COPY_DST);
            let buffer = (read > 0).then(|| staging.read_back(&self.device, read));
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
            (fresh, buffer)
        });
        self.staging = staging;
        let (fresh, buffer) = result?;
        if fresh {
            self.pipelines.forget_groups();
        }
        Ok(ReadBacks { buffer, lengths, under_way: None })
    }

    /// Waits for a submission's read-backs and cuts them apart. Without any there is nothing to wait for.
    pub(super) fn fetch(&mut self, read_backs: ReadBacks) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.check()?;
        let ReadBacks { buffer, lengths, under_way } = read_backs;
        let (Some(buffer), Some((index, mapped))) = (buffer, under_way) else {
            // Empty spans only.
            return Ok(vec![Vec::new(); lengths.len()]);
        };
        let start = Instant::now();
        let mapped = self.spun(mapped)?;
        if let Spun::Waiting(_) = mapped {
            self.wait(Some(index))?;
        }
        self.note(Host::Wait, start);
        let bytes = match mapped {
            Spun::Done => self.view(&buffer, lengths.iter().sum())?,
            Spun::Waiting(mapped) => self.mapped(&buffer, lengths.iter().sum(), &mapped)?,
        };
        self.staging.give_back(buffer);
        let mut rest = bytes.as_slice();
        Ok(lengths
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
        let mapped = map(buffer, bytes);
        self.wait(None)?;
        self.mapped(buffer, bytes, &mapped)
    }

    fn mapped(&self, buffer: &wgpu::Buffer, bytes: u64, mapped: &Mapped) -> Result<Vec<u8>, DeviceError> {
        let lost = |text: String| self.check().err().unwrap_or(DeviceError::Lost(text));
        mapped.recv().map_err(|e| lost(e.to_string()))?.map_err(|e| lost(e.to_string()))?;
        self.view(buffer, bytes)
    }

    /// Looks for a mapping again and again for a while: waking up takes a thread longer than many a small round. Software adapters need the
    /// core themselves.
    fn spun(&self, mapped: Mapped) -> Result<Spun, DeviceError> {
        let most = if self.info.kind.is_software() { Duration::ZERO } else { SPIN };
        let start = Instant::now();
        while start.elapsed() < most {
            if self.device.poll(wgpu::PollType::Poll).is_err() {
                break;
            }
            if let Ok(result) = mapped.try_recv() {
                result.map_err(|e| DeviceError::Lost(e.to_string()))?;
                return Ok(Spun::Done);
            }
            std::hint::spin_loop();
        }
        Ok(Spun::Waiting(mapped))
    }

    /// The bytes of a mapped buffer, which is given up.
    fn view(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, DeviceError> {
        let copy = {
            let view = buffer.get_mapped_range(0..bytes).map_err(|e| DeviceError::Internal(e.to_string()))?;
            view.to_vec()
        };
        buffer.unmap();
        Ok(copy)
    }
}
