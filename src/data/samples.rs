//! Samples of a part in memory.

use super::limit::FirstOfEach;
use std::ops::Range;

/// The values of samples, one after another, each channels first.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// As they lie in the files; [`super::Normalisation`] makes values of them.
    Bytes(Vec<u8>),
    /// Normalised: as the model gets them.
    Floats(Vec<f32>),
}

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of a range as they lie in memory: a byte a value, or four, little-endian.
    fn raw(&self, range: Range<usize>) -> &[u8] {
        match self {
            Self::Bytes(values) => &values[range],
            Self::Floats(values) => bytemuck::cast_slice(&values[range]),
        }
    }

    /// No values, of the same type.
    fn none(&self) -> Self {
        match self {
            Self::Bytes(_) => Self::Bytes(Vec::new()),
            Self::Floats(_) => Self::Floats(Vec::new()),
        }
    }
}

/// Images and labels of the training or the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// `[n, c, h, w]`.
    pub values: Values,
    /// `[n]`, each less than the number of classes.
    pub labels: Vec<u32>,
    /// Values of a sample, c h w.
    area: usize,
}

impl Samples {
    /// No samples, of `area` bytes each.
    pub fn new(area: usize) -> Self {
        Self::of(Values::Bytes(Vec::new()), Vec::new(), area)
    }

    /// Samples of `area` values each, as many as there are labels.
    pub fn of(values: Values, labels: Vec<u32>, area: usize) -> Self {
        Self { values, labels, area }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values of a sample, c h w.
    pub fn area(&self) -> usize {
        self.area
    }

    /// Bytes, one a value, of samples that are bytes; of floats none.
    pub fn pixels(&self) -> &[u8] {
        match &self.values {
            Values::Bytes(pixels) => pixels,
            Values::Floats(_) => &[],
        }
    }

    /// All values as they lie in memory: a byte a value, or the four of an f32, little-endian.
    pub fn raw(&self) -> &[u8] {
        self.values.raw(0..self.values.len())
    }

    /// Those of sample `index`, which must be less than `len`.
    pub fn image(&self, index: usize) -> &[u8] {
        self.values.raw(index * self.area..(index + 1) * self.area)
    }

    /// Samples of each class.
    pub fn histogram(&self, classes: u32) -> Vec<u32> {
        let mut counts = vec![0; classes as usize];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// Appends a sample of bytes.
    pub(super) fn push(&mut self, image: &[u8], label: u32) {
        if let Values::Bytes(pixels) = &mut self.values {
            pixels.extend_from_slice(image);
            self.labels.push(label);
        }
    }

    /// Indices of the first `limit` samples of each class, in file order; all where `limit` is 0.
    pub(super) fn first_of_each(&self, limit: u32) -> Vec<u32> {
        let mut first = FirstOfEach::new(limit);
        (0..self.len() as u32).filter(|&index| first.takes(self.labels[index as usize])).collect()
    }

    /// The samples of these indices (each less than `len`), in their order.
    pub fn select(&self, indices: &[u32]) -> Self {
        let mut values = self.values.none();
        let places = indices.iter().map(|&i| i as usize * self.area..(i as usize + 1) * self.area);
        match (&self.values, &mut values) {
            (Values::Bytes(from), Values::Bytes(to)) => {
                to.reserve_exact(indices.len() * self.area);
                places.for_each(|place| to.extend_from_slice(&from[place]));
            }
            (Values::Floats(from), Values::Floats(to)) => {
                to.reserve_exact(indices.len() * self.area);
                places.for_each(|place| to.extend_from_slice(&from[place]));
            }
            _ => {}
        }
        Self::of(values, indices.iter().map(|&i| self.labels[i as usize]).collect(), self.area)
    }

    /// The first `limit` samples of each class; all where `limit` is 0.
    pub(super) fn limited(self, limit: u32) -> Self {
        if limit == 0 {
            return self;
        }
        let indices = self.first_of_each(limit);
        self.select(&indices)
    }
}
