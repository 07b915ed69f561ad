//! Texels: storage textures that shadow spans of buffers, for kernels that read their operands with `textureLoad`.
//!
//! A texture has rows of 8192 f32. It is copied from its span before a dispatch that reads it, if the span was written since the last
//! copy. Software adapters gather a storage buffer's vec4 element by element and load a texel in a tenth of that time, so they use texels;
//! GPUs don't, unless a selection asks for them.
//!
//! The textures are a pool, at most a quarter of the memory limit. They are assigned to spans in the order of the dispatches; where
//! the pool is full, one whose copy is out of date, else the one used longest ago, takes the next span, also within a recording. An
//! operand that doesn't fit a texture, or whose texture doesn't fit the pool, is read as a storage buffer.

use std::collections::HashMap;

use super::buffers::Buffers;
use super::texture::{ROW, Texture, rows};
use crate::device::DeviceError;
use crate::recording::{BufferId, Span};
use crate::shaders::reflect::Texel;

/// Textures of the pool, at most: looking for one takes time.
const KEPT: usize = 256;

/// A texture of the pool.
struct Slot {
    texture: Texture,
    /// What it shadows; none: it waits.
    holds: Option<Span>,
    /// The span was written since the last copy.
    stale: bool,
    /// When a dispatch last named it.
    used: u64,
}

/// The pool.
#[derive(Default)]
pub struct Texels {
    /// Most rows of a texture; 0: kernels read storage buffers.
    max_rows: u32,
    slots: HashMap<u32, Slot>,
    /// The texture of a span.
    of_span: HashMap<(Span, Texel), u32>,
    /// The textures that shadow parts of a buffer.
    of_buffer: HashMap<BufferId, Vec<u32>>,
    bytes: u64,
    next: u32,
    /// Counts dispatches.
    now: u64,
    /// Its value when the recording began.
    began: u64,
}

/// Where a dispatch's operands lie.
#[derive(Default)]
pub struct Placed {
    /// A texture for each.
    pub slots: Vec<u32>,
    /// What is to be copied before the dispatch.
    pub copies: Vec<(u32, Span)>,
}

impl Texels {
    /// No textures yet, and none ever with more rows than `max_rows`.
    pub fn new(max_rows: u32) -> Self {
        Self { max_rows, ..Self::default() }
    }

    /// Bytes of all textures.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Drops all textures.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.of_span.clear();
        self.of_buffer.clear();
        self.bytes = 0;
    }

    /// The textures of a buffer that is given back wait for other spans.
    pub fn forget(&mut self, id: BufferId) {
        for slot in self.of_buffer.remove(&id).unwrap_or_default() {
            if let Some(slot) = self.slots.get_mut(&slot)
                && let Some(span) = slot.holds.take()
            {
                self.of_span.remove(&(span, slot.texture.texel));
            }
        }
    }

    /// A recording begins: textures that it names stay to its end.
    pub fn begin(&mut self) {
        self.began = self.now;
    }

    /// Places the operands of the next dispatch, with at most `limit` bytes in the pool. None, and nothing to copy, where they don't
    /// fit or one does not start on a texel. `dropped` gets the textures that made room: bind groups that name them are void.
    pub fn place(
        &mut self,
        device: &wgpu::Device,
        wanted: &[(Span, Texel)],
        limit: u64,
        dropped: &mut Vec<u32>,
    ) -> Option<Placed> {
        self.now += 1;
        let fits =
            |(span, _): &(Span, Texel)| span.offset.is_multiple_of(16) && rows(span.bytes) <= u64::from(self.max_rows);
        if !wanted.iter().all(fits) {
            return None;
        }
        let mut placed = Placed::default();
        // Those that are there first, so that none of them makes room for another operand.
        for id in wanted.iter().filter_map(|key| self.of_span.get(key)) {
            if let Some(slot) = self.slots.get_mut(id) {
                slot.used = self.now;
            }
        }
        for (span, texel) in wanted {
            let id = match self.of_span.get(&(*span, *texel)) {
                Some(id) => *id,
                None => {
                    let id = self.vacant(device, *texel, rows(span.bytes), limit, dropped)?;
                    self.assign(id, *span);
                    id
                }
            };
            placed.slots.push(id);
        }
        for (id, (span, _)) in placed.slots.iter().zip(wanted) {
            if let Some(slot) = self.slots.get_mut(id).filter(|s| s.stale) {
                slot.stale = false;
                placed.copies.push((*id, *span));
            }
        }
        Some(placed)
    }

    /// A texture that shadows nothing this dispatch reads: one that waits, a new one, or one that another span gives up.
    fn vacant(
        &mut self,
        device: &wgpu::Device,
        texel: Texel,
        rows: u64,
        limit: u64,
        dropped: &mut Vec<u32>,
    ) -> Option<u32> {
        let free = |s: &Slot| s.holds.is_none() && s.texture.texel == texel && s.texture.rows == rows;
        if let Some(id) = self.slots.iter().filter(|(_, s)| free(s)).map(|(id, _)| *id).min() {
            return Some(id);
        }
        if !self.room(rows * ROW, limit) {
            let other =
                |s: &Slot| s.used < self.now && s.texture.texel == texel && (rows..=2 * rows).contains(&s.texture.rows);
            let order = |(id, s): &(&u32, &Slot)| (s.holds.is_some() && !s.stale, s.used, **id);
            if let Some(id) = self.slots.iter().filter(|(_, s)| other(s)).min_by_key(order).map(|(id, _)| *id) {
                return Some(id);
            }
            // None of its size: what this recording doesn't name makes room.
            while !self.room(rows * ROW, limit) {
                let idle = self.slots.iter().filter(|(_, s)| s.used <= self.began);
                let id = idle.min_by_key(|(id, s)| (s.used, **id)).map(|(id, _)| *id)?;
                self.remove(id);
                dropped.push(id);
            }
        }
        self.next += 1;
        let texture = Texture::new(device, texel, rows);
        self.slots.insert(self.next, Slot { texture, holds: None, stale: true, used: self.now });
        self.bytes += rows * ROW;
        Some(self.next)
    }

    fn room(&self, bytes: u64, limit: u64) -> bool {
        self.slots.len() < KEPT && self.bytes + bytes <= limit
    }

    /// Lets a texture shadow `span`, which is still to be copied.
    fn assign(&mut self, id: u32, span: Span) {
        self.release(id);
        if let Some(slot) = self.slots.get_mut(&id) {
            (slot.holds, slot.stale, slot.used) = (Some(span), true, self.now);
            self.of_span.insert((span, slot.texture.texel), id);
            self.of_buffer.entry(span.buffer).or_default().push(id);
        }
    }

    /// Lets a texture shadow nothing.
    fn release(&mut self, id: u32) {
        if let Some(slot) = self.slots.get_mut(&id)
            && let Some(span) = slot.holds.take()
        {
            self.of_span.remove(&(span, slot.texture.texel));
            if let Some(ids) = self.of_buffer.get_mut(&span.buffer) {
                ids.retain(|other| *other != id);
            }
        }
    }

    fn remove(&mut self, id: u32) {
        self.release(id);
        if let Some(slot) = self.slots.remove(&id) {
            self.bytes -= slot.texture.rows * ROW;
        }
    }

    /// The view that a kernel binds.
    pub fn view(&self, id: u32) -> Result<&wgpu::TextureView, DeviceError> {
        self.slots.get(&id).map(|s| &s.texture.view).ok_or_else(|| DeviceError::Internal(format!("no texture {id}")))
    }

    /// Notes that a span was written.
    pub fn written(&mut self, by: &Span) {
        for id in self.of_buffer.get(&by.buffer).into_iter().flatten() {
            if let Some(slot) = self.slots.get_mut(id)
                && let Some(span) = &slot.holds
            {
                let apart = span.offset + span.bytes <= by.offset || by.offset + by.bytes <= span.offset;
                slot.stale |= !apart;
            }
        }
    }

    /// Textures of spans that the dispatch which reads them overwrites wait: nothing will read these copies again.
    pub fn spend(&mut self, slots: &[u32], written: &[Span]) {
        let overwritten = |span: Span| written.iter().any(|by| by.whole_quads() == span);
        for id in slots {
            if self.slots.get(id).and_then(|s| s.holds).is_some_and(overwritten) {
                self.release(*id);
            }
        }
    }

    /// Copies a span into a texture.
    pub fn copy(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        buffers: &Buffers,
        (id, span): (u32, Span),
    ) -> Result<(), DeviceError> {
        let Some(slot) = self.slots.get(&id) else {
            return Err(DeviceError::Internal(format!("no texture {id}")));
        };
        slot.texture.copy(encoder, buffers.get(span.buffer)?, &span);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::device::ReferenceDevice;
    use crate::device::{Device, Selection, as_f32, testing};
    use crate::kernels::linear::{self, Params};
    use crate::kernels::params::{ABSENT, Lane, Lanes};
    use crate::kernels::tiling::{Operands, Product, Tiling};
    use crate::recording::{Recording, Span};

    const ROWS: u32 = 150;
    const WIDTH: u32 = 70;

    fn values(n: u32, factor: u32) -> Vec<f32> {
        (0..n).map(|i| (i.wrapping_mul(factor) >> 8) as f32 / 16_777_216.0 - 0.5).collect()
    }

    /// Three layers of the same weights, which an upload changes in the middle before the last; then all again with other inputs.
    fn layers(device: &mut dyn Device) -> Vec<f32> {
        let mut make = |n: u32| Span::of(device.create_buffer("values", u64::from(n) * 4).unwrap(), u64::from(n) * 4);
        // Texture rows hold 8192 values: all operands take one whole row and part of another.
        let (w, x, y, z, table) =
            (make(3 * WIDTH * WIDTH), make(ROWS * WIDTH), make(ROWS * WIDTH), make(ROWS * WIDTH), make(8));
        let lane = [Lane { rows: ROWS, ..Lane::default() }];
        let lanes = Lanes::new(table, &lane);
        let how = Product::by_shuffles(Tiling::of(device.info()), None);
        let layer = |rec: &mut Recording, weight_offset: u32, from: Span, to: Span| {
            let params = Params {
                inputs: WIDTH,
                outputs: WIDTH,
                weight_offset,
                bias_offset: ABSENT,
                from_batch: 1,
                activation: linear::RELU,
            };
            linear::record(rec, &lanes, &how, &params, &Operands::by_shuffles(w, from, to), None);
        };
        let mut results = Vec::new();
        let mut rec = Recording::new();
        rec.upload(table.buffer, 0, &lane);
        rec.upload(w.buffer, 0, &values(3 * WIDTH * WIDTH, 2_654_435_761));
        for round in 0..2 {
            rec.upload(x.buffer, 0, &values(ROWS * WIDTH, 2_246_822_519 + 2 * round));
            layer(&mut rec, 0, x, y);
            layer(&mut rec, WIDTH * WIDTH, y, z);
            rec.upload(w.buffer, 4 * u64::from(2 * WIDTH * WIDTH), &values(WIDTH, 97 + round));
            layer(&mut rec, 2 * WIDTH * WIDTH, z, y);
            rec.copy(y, x);
            layer(&mut rec, 0, x, z);
            rec.read_back(z);
            results.extend(device.run(&rec).unwrap().into_iter().flat_map(|bytes| as_f32(&bytes)));
            rec = Recording::new();
        }
        results
    }

    #[test]
    fn texels_follow_every_kind_of_write() {
        let mut device = testing::device();
        let (found, twins) = (layers(device.as_mut()), layers(&mut ReferenceDevice::new(None)));
        assert_eq!(found.len(), twins.len());
        // Four products of 70 terms below 1/4 each, rounded in another order at worst.
        for (i, (a, b)) in found.iter().zip(&twins).enumerate() {
            assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{i}: {a} and {b}");
        }
    }

    #[test]
    fn a_crowded_pool_gives_the_same_results() {
        let with = |memory_budget| testing::opened(&Selection { memory_budget, ..testing::selection() });
        let (mut ample, mut tight) = (with(None), with(Some(768 << 10)));
        // Each operand takes three rows, 96 KiB: a quarter of the budget holds the two of one dispatch.
        let (wide, narrow) = (layers(ample.as_mut()), layers(tight.as_mut()));
        assert!(wide.iter().zip(&narrow).all(|(a, b)| a.to_bits() == b.to_bits()));
        let texels = |device: &dyn Device| {
            device.allocated_bytes() - device.buffers().iter().map(|(_, bytes)| bytes).sum::<u64>()
        };
        assert!(texels(tight.as_ref()) <= 192 << 10);
        assert!(tight.peak_bytes() <= 768 << 10);
        assert!(texels(ample.as_ref()) == 0 || texels(ample.as_ref()) > texels(tight.as_ref()));
    }

    #[test]
    fn commands_on_unknown_buffers_are_refused() {
        let mut device = testing::device();
        let known = device.create_buffer("known", 64).unwrap();
        let gone = device.create_buffer("gone", 64).unwrap();
        device.destroy_buffer(gone);
        let (known, gone) = (Span::of(known, 64), Span::of(gone, 64));
        let refused = |fill: &dyn Fn(&mut Recording)| {
            let mut rec = Recording::new();
            fill(&mut rec);
            rec
        };
        for rec in [
            refused(&|rec| rec.upload(gone.buffer, 0, &[1u32])),
            refused(&|rec| rec.clear(gone)),
            refused(&|rec| rec.copy(known, gone)),
            refused(&|rec| rec.copy(gone, known)),
            refused(&|rec| rec.read_back(gone)),
        ] {
            assert!(matches!(device.run(&rec), Err(crate::device::DeviceError::NoBuffer(_))), "{rec}");
        }
    }
}
