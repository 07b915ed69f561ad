//! Buffers of deterministic content for cases.

use bytemuck::NoUninit;

use crate::caps::AdapterInfo;
use crate::device::{Device, DeviceError};
use crate::kernels::params::{Lane, Lanes};
use crate::kernels::parts::Target;
use crate::kernels::replay::Exact;
use crate::kernels::tiling::Tiling;
use crate::recording::{BufferId, Recording, Span};

/// Makes a case's buffers on a device and gives them back when dropped.
pub struct Fixture<'a> {
    device: &'a mut dyn Device,
    buffers: Vec<BufferId>,
    setup: Recording,
    state: u64,
}

impl<'a> Fixture<'a> {
    /// An empty one.
    pub fn new(device: &'a mut dyn Device) -> Self {
        Self { device, buffers: Vec::new(), setup: Recording::new(), state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// What is known of the device.
    pub fn info(&self) -> &AdapterInfo {
        self.device.info()
    }

    /// How products are blocked on this device.
    pub fn tiling(&self) -> Tiling {
        Tiling::of(self.info())
    }

    /// The wanted way of exact replay, as far as the device can: lookups need subgroups.
    pub fn exact(&self, wanted: Exact) -> Exact {
        Exact { lookups: wanted.lookups && Exact::of(self.info()).lookups, ..wanted }
    }

    /// Uploads the buffers' content, runs the recording, returns its read-backs.
    pub fn run(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut whole = std::mem::take(&mut self.setup);
        whole.append(recording.clone());
        self.device.run(&whole)
    }

    /// A buffer with this content.
    pub fn buffer<T: NoUninit>(&mut self, name: &str, data: &[T]) -> Result<Span, DeviceError> {
        let bytes = size_of_val(data).max(4) as u64;
        let id = self.device.create_buffer(name, bytes)?;
        self.buffers.push(id);
        self.setup.upload(id, 0, data);
        Ok(Span::of(id, bytes))
    }

    /// A buffer of `bytes` bytes without content.
    pub fn room(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError> {
        let id = self.device.create_buffer(name, bytes)?;
        self.buffers.push(id);
        Ok(id)
    }

    /// A buffer of `len` f32 of 1/8, to be written: what a kernel leaves out keeps that.
    pub fn blank(&mut self, name: &str, len: usize) -> Result<Span, DeviceError> {
        self.buffer(name, &vec![0.125f32; len])
    }

    /// A buffer of `len` random f32 in [-1, 1).
    pub fn random(&mut self, name: &str, len: usize) -> Result<Span, DeviceError> {
        let values = self.values(len);
        self.buffer(name, &values)
    }

    /// `len` random f32 in [-1, 1).
    pub fn values(&mut self, len: usize) -> Vec<f32> {
        self.words(len).into_iter().map(|w| (w >> 8) as f32 / 8_388_608.0 - 1.0).collect()
    }

    /// `len` random words (splitmix64).
    pub fn words(&mut self, len: usize) -> Vec<u32> {
        let next = |state: &mut u64| {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 32) as u32
        };
        (0..len).map(|_| next(&mut self.state)).collect()
    }

    /// `len` random gradients that sums go on from, and room for `parts` f32 of their parts.
    pub fn target(&mut self, len: usize, parts: u32) -> Result<Target, DeviceError> {
        Ok(Target { gradients: self.random("gradients", len)?, parts: self.blank("parts", parts as usize)? })
    }

    /// Lanes of these rows, each with weights of its own `stride` apart, stacked in activations; inputs of the batch and
    /// per-sample outputs lie in the opposite order, so that mixed-up rows show.
    pub fn lanes(&mut self, rows: &[u32], stride: u32) -> Result<Lanes, DeviceError> {
        let total: u32 = rows.iter().sum();
        let mut row0 = 0;
        let lanes: Vec<Lane> = rows
            .iter()
            .enumerate()
            .map(|(i, &rows)| {
                let x_row = total - row0 - rows;
                let seed = 0x1234_5678_9abc_def0 + i as u64;
                let lane = Lane {
                    weight_base: i as u32 * stride,
                    seed_lo: seed as u32,
                    seed_hi: (seed >> 32) as u32,
                    coef: if i % 2 == 0 { 0.125 } else { -0.125 },
                    x_row,
                    row0,
                    rows,
                    out_row: x_row,
                };
                row0 += rows;
                lane
            })
            .collect();
        let table = self.buffer("lanes", &lanes)?;
        Ok(Lanes::new(table, &lanes))
    }
}

impl Drop for Fixture<'_> {
    fn drop(&mut self) {
        for id in self.buffers.drain(..) {
            self.device.destroy_buffer(id);
        }
    }
}
