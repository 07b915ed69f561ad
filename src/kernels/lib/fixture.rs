//! Buffers of deterministic content for self-test cases, as plain data: whoever runs a case makes them on a device.

use bytemuck::NoUninit;

use super::geometry::Geometry;
use super::params::{Lane, Lanes};
use super::parts::Target;
use super::tile_order::{Order, TileRoom};
use super::tiling::Tiling;
use super::way::Way;
use crate::caps::AdapterInfo;
use crate::recording::{BufferId, Span};

/// A buffer of a case. Its place in the list is its handle in the case's recording.
pub struct Buffer {
    /// What it is.
    pub name: String,
    /// Its size; a multiple of 4.
    pub bytes: u64,
    /// What it holds before the recording runs; none: nothing that a kernel may read.
    pub content: Option<Vec<u8>>,
}

/// Collects a case's buffers.
pub struct Fixture<'a> {
    info: &'a AdapterInfo,
    fitted: bool,
    /// Whether contents are made; else they are zero, or left out.
    filled: bool,
    buffers: Vec<Buffer>,
    state: u64,
}

impl<'a> Fixture<'a> {
    /// An empty one, for cases on an adapter like this, whose kernels are built for their sizes or for any.
    pub fn new(info: &'a AdapterInfo, fitted: bool) -> Self {
        Self { info, fitted, filled: true, buffers: Vec::new(), state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// The same for who wants to know what a case launches, and not what it computes.
    pub fn unfilled(self) -> Self {
        Self { filled: false, ..self }
    }

    /// What is known of the adapter.
    pub fn info(&self) -> &AdapterInfo {
        self.info
    }

    /// How implicit matrix products are blocked: as the adapter likes it, or, where cases share pipelines, with the fewest rows a thread,
    /// which is the same for all sizes. Convolutions don't go by strips, which have cases of their own.
    pub fn tiling(&self) -> Tiling {
        let best = self.best_tiling().without_strips();
        if self.fitted { best } else { Tiling { tile_o: 1, ..best } }
    }

    /// How products are blocked as the adapter likes it.
    pub fn best_tiling(&self) -> Tiling {
        Tiling::of(self.info)
    }

    /// The buffers in the order of their handles.
    pub fn into_buffers(self) -> Vec<Buffer> {
        self.buffers
    }

    fn add(&mut self, name: &str, bytes: u64, content: Option<Vec<u8>>) -> BufferId {
        let id = BufferId(self.buffers.len() as u32);
        self.buffers.push(Buffer { name: name.to_owned(), bytes, content });
        id
    }

    /// A buffer with this content.
    pub fn buffer<T: NoUninit>(&mut self, name: &str, data: &[T]) -> Span {
        let bytes = size_of_val(data).max(4) as u64;
        if !self.filled {
            return Span::of(self.add(name, bytes, None), bytes);
        }
        let mut content = bytemuck::cast_slice(data).to_vec();
        content.resize(bytes as usize, 0);
        Span::of(self.add(name, bytes, Some(content)), bytes)
    }

    /// A buffer of `bytes` bytes without content.
    pub fn unwritten(&mut self, name: &str, bytes: u64) -> BufferId {
        self.add(name, bytes, None)
    }

    /// A buffer of `len` f32 of 1/8, to be written: what a kernel leaves out keeps that.
    pub fn blank(&mut self, name: &str, len: usize) -> Span {
        self.buffer(name, &vec![0.125f32; len])
    }

    /// A buffer of `len` random f32 in [-1, 1).
    pub fn random(&mut self, name: &str, len: usize) -> Span {
        let values = self.values(len);
        self.buffer(name, &values)
    }

    /// A buffer of `len` random values in [-1, 1), as f16 in memory if so.
    pub fn random_halves(&mut self, name: &str, len: usize, halves: bool) -> Span {
        if !halves {
            return self.random(name, len);
        }
        let values: Vec<u16> = self.values(len).into_iter().map(|x| half::f16::from_f32(x).to_bits()).collect();
        self.buffer(name, &values)
    }

    /// `len` random f32 in [-1, 1).
    pub fn values(&mut self, len: usize) -> Vec<f32> {
        if !self.filled {
            return vec![0.0; len];
        }
        self.words(len).into_iter().map(|w| (w >> 8) as f32 / 8_388_608.0 - 1.0).collect()
    }

    /// `len` random words (splitmix64).
    pub fn words(&mut self, len: usize) -> Vec<u32> {
        if !self.filled {
            return vec![0; len];
        }
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
    pub fn target(&mut self, len: usize, parts: u32) -> Target {
        Target { gradients: self.random("gradients", len), parts: self.blank("parts", parts as usize) }
    }

    /// Room for weights and signs of lanes in the order of tiles, or for weights in f16.
    pub fn room(&mut self, order: &Order, lanes: &Lanes) -> Span {
        let bytes = TileRoom::bytes(order, u64::from(lanes.count), lanes.own_weights).iter().sum::<u64>();
        let halves = u64::from(lanes.count) * TileRoom::half_bytes(order);
        self.blank("room", (bytes.max(halves) / 4) as usize)
    }

    /// The same of a convolution in a way.
    pub fn conv_room(&mut self, way: Way, geometry: &Geometry, lanes: &Lanes) -> Span {
        match way {
            Way::Shuffle => self.blank("room", 1),
            _ => self.room(&Order::of_conv(geometry, 16), lanes),
        }
    }

    /// Lanes of these rows, each with weights of its own `stride` apart, stacked in activations; inputs of the batch and
    /// per-sample outputs lie in the opposite order, so that mixed-up rows show.
    pub fn lanes(&mut self, rows: &[u32], stride: u32) -> Lanes {
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
        let table = self.buffer("lanes", &lanes);
        Lanes::new(table, &lanes)
    }
}
