//! The buffers that all problems of a measurement share: as large as the largest of them needs.

use crate::device::{Device, DeviceError};
use crate::recording::{BufferId, Span};

/// Values that a problem has in each of its buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Weights.
    pub weights: u64,
    /// Values before the product.
    pub x: u64,
    /// Words of those before it as f16.
    pub halves: u64,
    /// Values behind it.
    pub y: u64,
    /// Gradients of weights.
    pub gradients: u64,
    /// Parts of their sums.
    pub parts: u64,
    /// Weights and signs in the order of tiles.
    pub room: u64,
    /// Words of the table of lanes.
    pub table: u64,
}

impl Lengths {
    /// Room for one or the other.
    pub fn most(self, other: Self) -> Self {
        Self {
            weights: self.weights.max(other.weights),
            x: self.x.max(other.x),
            halves: self.halves.max(other.halves),
            y: self.y.max(other.y),
            gradients: self.gradients.max(other.gradients),
            parts: self.parts.max(other.parts),
            room: self.room.max(other.room),
            table: self.table.max(other.table),
        }
    }
}

/// What lies in the buffers, of one problem or as much as there is room for.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// Weights.
    pub weights: Span,
    /// Values before the product.
    pub x: Span,
    /// Those before it as f16.
    pub halves: Span,
    /// Values behind it.
    pub y: Span,
    /// Gradients of weights.
    pub gradients: Span,
    /// Parts of their sums.
    pub parts: Span,
    /// Weights and signs in the order of tiles.
    pub room: Span,
    /// The table of lanes.
    pub table: Span,
}

impl Buffers {
    /// Makes them.
    ///
    /// # Errors
    /// One that can't be made.
    pub fn new(device: &mut dyn Device, lengths: &Lengths) -> Result<Self, DeviceError> {
        let mut made: Vec<BufferId> = Vec::new();
        let mut make = |device: &mut dyn Device, name: &str, values: u64| {
            let bytes = bytes(values);
            let id = device.create_buffer(name, bytes)?;
            made.push(id);
            Ok::<_, DeviceError>(Span::of(id, bytes))
        };
        let mut all = || {
            Ok::<_, DeviceError>(Self {
                weights: make(device, "tune weights", lengths.weights)?,
                x: make(device, "tune x", lengths.x)?,
                halves: make(device, "tune x in f16", lengths.halves)?,
                y: make(device, "tune y", lengths.y)?,
                gradients: make(device, "tune gradients", lengths.gradients)?,
                parts: make(device, "tune parts", lengths.parts)?,
                room: make(device, "tune room", lengths.room)?,
                table: make(device, "tune lanes", lengths.table)?,
            })
        };
        let result = all();
        if result.is_err() {
            made.into_iter().for_each(|id| device.destroy_buffer(id));
        }
        result
    }

    /// What a problem of these lengths has of them.
    pub fn of(&self, lengths: &Lengths) -> Self {
        let cut = |span: Span, values: u64| Span { bytes: bytes(values), ..span };
        Self {
            weights: cut(self.weights, lengths.weights),
            x: cut(self.x, lengths.x),
            halves: cut(self.halves, lengths.halves),
            y: cut(self.y, lengths.y),
            gradients: cut(self.gradients, lengths.gradients),
            parts: cut(self.parts, lengths.parts),
            room: cut(self.room, lengths.room),
            table: cut(self.table, lengths.table),
        }
    }

    /// Gives them back.
    pub fn release(self, device: &mut dyn Device) {
        for span in [self.weights, self.x, self.halves, self.y, self.gradients, self.parts, self.room, self.table] {
            device.destroy_buffer(span.buffer);
        }
    }
}

/// Of so many values; no buffer is empty.
fn bytes(values: u64) -> u64 {
    4 * values.max(4)
}
