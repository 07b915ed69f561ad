//! What a set of samples is on the host, before it goes to a device.

use super::EngineError;
use super::counts::count;
use crate::data::{Part, Rows, Values};
use crate::kernels::gather;
use std::borrow::Cow;
use std::ops::Range;

/// What a set of samples is on the host.
pub struct SampleSet<'a> {
    /// All samples, each channels first.
    pub values: SampleValues<'a>,
    /// Classes.
    pub labels: &'a [u32],
    /// Channels and pixels a channel.
    pub shape: (usize, usize),
}

/// The values of a set.
pub enum SampleValues<'a> {
    /// A byte a value.
    Bytes {
        /// The bytes of all samples.
        pixels: &'a [u8],
        /// The value of each byte of each channel, `[channels, 256]`.
        table: Vec<f32>,
    },
    /// f32 that are taken as they are.
    Floats(&'a [f32]),
    /// A part of a data set, of bytes or of f32, which may lie in files.
    Part {
        /// The part.
        part: &'a Part,
        /// Of bytes the value of each, `[channels, 256]`.
        table: Vec<f32>,
    },
}

impl<'a> SampleSet<'a> {
    /// Bytes, and the value of each byte of each channel, `[channels, 256]`; `shape`: channels and pixels a channel.
    pub fn of_bytes(pixels: &'a [u8], labels: &'a [u32], shape: (usize, usize), table: Vec<f32>) -> Self {
        Self { values: SampleValues::Bytes { pixels, table }, labels, shape }
    }

    /// f32 as the model gets them.
    pub fn of_floats(values: &'a [f32], labels: &'a [u32], shape: (usize, usize)) -> Self {
        Self { values: SampleValues::Floats(values), labels, shape }
    }

    /// A part of a data set, and the value of each byte of each channel, `[channels, 256]`, which floats do without.
    pub fn of_part(part: &'a Part, shape: (usize, usize), table: Vec<f32>) -> Self {
        Self { values: SampleValues::Part { part, table }, labels: &part.labels, shape }
    }

    fn is_float(&self) -> bool {
        match &self.values {
            SampleValues::Bytes { .. } => false,
            SampleValues::Floats(_) => true,
            SampleValues::Part { part, .. } => part.is_float(),
        }
    }

    /// What a page of it holds a row.
    pub(super) fn row(&self) -> Result<gather::Row, EngineError> {
        let (channels, spatial) = self.shape;
        let features = count(channels * spatial, "values of a sample", "")?;
        let values = if self.is_float() { gather::Values::Floats } else { gather::Values::Bytes };
        Ok(gather::Row { features, spatial: spatial as u32, values, last: 1 })
    }

    /// The values of bytes on the device; of f32 a place to bind.
    pub(super) fn table(&self) -> &[f32] {
        match &self.values {
            SampleValues::Bytes { table, .. } | SampleValues::Part { table, .. } if !self.is_float() => table,
            _ => &[0.0],
        }
    }

    /// The values of rows.
    pub(super) fn rows(&self, rows: Range<usize>) -> Result<Rows<'_>, EngineError> {
        let features = self.shape.0 * self.shape.1;
        let range = rows.start * features..rows.end * features;
        Ok(match &self.values {
            SampleValues::Bytes { pixels, .. } => Rows::Bytes(Cow::Borrowed(&pixels[range])),
            SampleValues::Floats(values) => Rows::Floats(Cow::Borrowed(&values[range])),
            SampleValues::Part { part, .. } => part.rows(rows)?,
        })
    }

    /// A part that holds the samples from `first` on, to be kept, and how many of the set's samples it begins behind. Samples that are held
    /// in memory aren't copied where the set is of a part.
    pub(super) fn tail(&self, first: u32) -> (Part, u32) {
        let area = self.shape.0 * self.shape.1;
        let labels = || self.labels[first as usize..].to_vec();
        let values = match &self.values {
            SampleValues::Part { part, .. } => return ((*part).clone(), 0),
            SampleValues::Bytes { pixels, .. } => Values::Bytes(pixels[first as usize * area..].to_vec()),
            SampleValues::Floats(values) => Values::Floats(values[first as usize * area..].to_vec()),
        };
        (Part::of(values, labels(), area), first)
    }
}
