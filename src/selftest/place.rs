//! Buffers of cases on a device. On the device that is checked each lies between borders of NaN, which a kernel that reads beyond its
//! operands takes into its results, and one that writes beyond them destroys.
//!
//! Bindings that end with their buffer reach over the border behind it: a device's own checks of bounds, which would give 0 there, don't
//! hide what a kernel reads.

use crate::device::{Device, DeviceError};
use crate::kernels::lib::fixture::Buffer;
use crate::recording::{BufferId, Dispatch, Recording, Span};

/// A NaN as f32, and a large number as u32 or i32: sums of whatever kind show it.
const POISON: u32 = 0x7fc5_a5a5;

/// Bytes of a border: more than a tile's row, and a multiple of every alignment of bindings.
const BORDER: u64 = 4096;

/// Why a case has no results.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A kernel wrote outside of its operands.
    #[error("word {word} of the border {side} {name} was overwritten with {found:#010x}")]
    Border {
        /// The buffer.
        name: String,
        /// `before` or `behind`.
        side: &'static str,
        /// The first that was.
        word: usize,
        /// What is there.
        found: u32,
    },
    /// A kernel's results are NaN where its twin's are numbers.
    #[error("read-back {read_back}: value {index} is NaN, the twin's is a number")]
    NotANumber {
        /// Which read-back, from 0 on.
        read_back: usize,
        /// The first such value.
        index: usize,
    },
}

/// Runs a case's recording as it is, and gives what its read-backs brought.
pub fn run(device: &mut dyn Device, buffers: &[Buffer], recording: &Recording) -> Result<Vec<Vec<u8>>, Failure> {
    Placed::new(device, buffers, 0)?.run(recording)
}

/// The same with borders around every buffer, which must be untouched after it.
pub fn run_between_borders(
    device: &mut dyn Device,
    buffers: &[Buffer],
    recording: &Recording,
) -> Result<Vec<Vec<u8>>, Failure> {
    Placed::new(device, buffers, BORDER)?.run(recording)
}

/// Checks that no value of `ours` is NaN unless that of `expected` is: words that stand for something else may look so, in both.
pub fn check_not_a_number(ours: &[Vec<u8>], expected: &[Vec<u8>]) -> Result<(), Failure> {
    let nan = |word: &[u8; 4]| f32::from_le_bytes(*word).is_nan();
    for (read_back, (ours, expected)) in ours.iter().zip(expected).enumerate() {
        let (ours, expected) = (ours.as_chunks().0, expected.as_chunks().0);
        if let Some(index) = ours.iter().zip(expected).position(|(a, b)| nan(a) && !nan(b)) {
            return Err(Failure::NotANumber { read_back, index });
        }
    }
    Ok(())
}

/// A case's buffers on a device; they are given back when this is dropped.
struct Placed<'a> {
    device: &'a mut dyn Device,
    buffers: &'a [Buffer],
    border: u64,
    ids: Vec<BufferId>,
    setup: Recording,
}

impl<'a> Placed<'a> {
    fn new(device: &'a mut dyn Device, buffers: &'a [Buffer], border: u64) -> Result<Self, Failure> {
        let mut placed = Self { device, buffers, border, ids: Vec::new(), setup: Recording::new() };
        for buffer in buffers {
            let id = placed.device.create_buffer(&buffer.name, 2 * border + buffer.bytes)?;
            placed.ids.push(id);
            let poison = |bytes: u64| POISON.to_le_bytes().repeat((bytes / 4) as usize);
            let mut content = poison(border);
            match &buffer.content {
                Some(own) => content.extend(own),
                None => content.extend(poison(buffer.bytes)),
            }
            content.extend(poison(border));
            placed.setup.upload(id, 0, &content);
        }
        Ok(placed)
    }

    fn run(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, Failure> {
        let place = |span: Span| Span {
            buffer: self.ids[span.buffer.0 as usize],
            offset: self.border + span.offset,
            bytes: span.bytes,
        };
        let bind = |span: Span| {
            let ends = span.offset + span.bytes == self.buffers[span.buffer.0 as usize].bytes;
            let placed = place(span);
            Span { bytes: placed.bytes + if ends { self.border } else { 0 }, ..placed }
        };
        let mut whole = std::mem::take(&mut self.setup);
        whole.append(recording.map(place, |launch| Dispatch {
            bindings: launch.bindings.iter().map(|span| bind(*span)).collect(),
            ..launch.clone()
        }));
        if self.border > 0 {
            for (id, buffer) in self.ids.iter().zip(self.buffers) {
                for offset in [0, self.border + buffer.bytes] {
                    whole.read_back(Span { buffer: *id, offset, bytes: self.border });
                }
            }
        }
        let mut results = self.device.run(&whole)?;
        if self.border > 0 {
            let borders = results.split_off(results.len() - 2 * self.buffers.len());
            for (i, border) in borders.iter().enumerate() {
                self.check(i, border)?;
            }
        }
        Ok(results)
    }

    /// Checks border `i`, of which each buffer has two.
    fn check(&self, i: usize, border: &[u8]) -> Result<(), Failure> {
        let words = border.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
        match words.enumerate().find(|(_, word)| *word != POISON) {
            None => Ok(()),
            Some((word, found)) => {
                let side = if i.is_multiple_of(2) { "before" } else { "behind" };
                Err(Failure::Border { name: self.buffers[i / 2].name.clone(), side, word, found })
            }
        }
    }
}

impl Drop for Placed<'_> {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            self.device.destroy_buffer(id);
        }
    }
}

#[cfg(test)]
mod tests;
