//! A part of a data set: labels, and samples that are held in memory or read from their files when they are wanted.

use super::limit::FirstOfEach;
use super::pages::Paged;
use super::{DataError, Normalisation};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

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

    /// No values, of floats or of bytes.
    pub(super) fn none(floats: bool) -> Self {
        if floats { Self::Floats(Vec::new()) } else { Self::Bytes(Vec::new()) }
    }

    /// Those of the samples of these indices, of `area` values each.
    fn picked(&self, indices: &[u32], area: usize) -> Self {
        fn of<T: Copy>(from: &[T], indices: &[u32], area: usize) -> Vec<T> {
            let mut to = Vec::with_capacity(indices.len() * area);
            indices.iter().for_each(|&i| to.extend_from_slice(&from[i as usize * area..(i as usize + 1) * area]));
            to
        }
        match self {
            Self::Bytes(values) => Self::Bytes(of(values, indices, area)),
            Self::Floats(values) => Self::Floats(of(values, indices, area)),
        }
    }

    /// Those of a range.
    fn rows(&self, range: Range<usize>) -> Rows<'_> {
        match self {
            Self::Bytes(values) => Rows::Bytes(Cow::Borrowed(&values[range])),
            Self::Floats(values) => Rows::Floats(Cow::Borrowed(&values[range])),
        }
    }
}

/// Values of some samples, one after another: of a part in memory, or read for this.
#[derive(Clone, Debug, PartialEq)]
pub enum Rows<'a> {
    /// A byte a value.
    Bytes(Cow<'a, [u8]>),
    /// Normalised.
    Floats(Cow<'a, [f32]>),
}

impl Rows<'_> {
    /// As they lie in memory: a byte a value, or the four of an f32, little-endian.
    pub fn raw(&self) -> &[u8] {
        match self {
            Self::Bytes(values) => values,
            Self::Floats(values) => bytemuck::cast_slice(values),
        }
    }
}

impl From<Values> for Rows<'_> {
    fn from(values: Values) -> Self {
        match values {
            Values::Bytes(values) => Self::Bytes(Cow::Owned(values)),
            Values::Floats(values) => Self::Floats(Cow::Owned(values)),
        }
    }
}

/// Where samples are. Those that are held are shared by all copies of a part.
#[derive(Clone, Debug, PartialEq)]
enum Store {
    Held(Arc<Values>),
    Paged(Paged),
}

/// Samples and labels of the training or the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    store: Store,
    /// `[n]`, each less than the number of classes.
    pub labels: Vec<u32>,
    /// Values of a sample, c h w.
    area: usize,
}

impl Part {
    /// No samples, of `area` bytes each.
    pub fn new(area: usize) -> Self {
        Self::of(Values::Bytes(Vec::new()), Vec::new(), area)
    }

    /// Samples of `area` values each, as many as there are labels.
    pub fn of(values: Values, labels: Vec<u32>, area: usize) -> Self {
        Self { store: Store::Held(Arc::new(values)), labels, area }
    }

    /// Samples that stay in their files, as many as there are labels.
    pub(super) fn paged(pages: Paged, labels: Vec<u32>, area: usize) -> Self {
        Self { store: Store::Paged(pages), labels, area }
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

    /// Whether values are floats, else bytes.
    pub fn is_float(&self) -> bool {
        match &self.store {
            Store::Held(values) => matches!(**values, Values::Floats(_)),
            Store::Paged(pages) => pages.floats(),
        }
    }

    /// Bytes of a sample in memory.
    pub fn row_bytes(&self) -> usize {
        self.area * if self.is_float() { 4 } else { 1 }
    }

    /// All values, where they are held in memory; `None` where they are read when they are wanted.
    pub fn held(&self) -> Option<&Values> {
        match &self.store {
            Store::Held(values) => Some(values.as_ref()),
            Store::Paged(_) => None,
        }
    }

    /// All bytes, one a value, of samples that are bytes and held in memory; else none.
    pub fn pixels(&self) -> &[u8] {
        match self.held() {
            Some(Values::Bytes(pixels)) => pixels,
            _ => &[],
        }
    }

    /// The values of samples of a range, which must end within the part.
    ///
    /// # Errors
    /// Samples that are read for this, from a file that can't be read any more or has changed.
    pub fn rows(&self, samples: Range<usize>) -> Result<Rows<'_>, DataError> {
        match &self.store {
            Store::Held(values) => Ok(values.rows(samples.start * self.area..samples.end * self.area)),
            Store::Paged(pages) => Ok(pages.read(samples)?.into()),
        }
    }

    /// The values of the samples of these indices (each less than `len`), in their order.
    ///
    /// # Errors
    /// As [`Part::rows`].
    pub fn picked(&self, indices: &[u32]) -> Result<Rows<'static>, DataError> {
        match &self.store {
            Store::Held(values) => Ok(values.picked(indices, self.area).into()),
            Store::Paged(pages) => Ok(pages.picked(indices)?.into()),
        }
    }

    /// All samples, in their order, as many at once as fit `bytes`, at least one.
    pub fn blocks(&self, bytes: usize) -> impl Iterator<Item = Result<Rows<'_>, DataError>> {
        let at_once = (bytes / self.row_bytes().max(1)).max(1);
        let starts = (0..self.len()).step_by(at_once);
        starts.map(move |start| self.rows(start..(start + at_once).min(self.len())))
    }

    /// Samples of each class.
    pub fn histogram(&self, classes: u32) -> Vec<u32> {
        let mut counts = vec![0; classes as usize];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    /// `(value - mean) / std` of floats, of samples in files when they are read; bytes stay what they are.
    pub(super) fn normalise(&mut self, by: &Normalisation) {
        match &mut self.store {
            Store::Held(values) if matches!(**values, Values::Bytes(_)) => {}
            Store::Held(values) => {
                if let Values::Floats(values) = Arc::make_mut(values) {
                    by.normalise(values, self.area);
                }
            }
            Store::Paged(pages) => pages.normalise(by.clone()),
        }
    }

    /// Indices of the first `limit` samples of each class, in file order; all where `limit` is 0.
    pub(super) fn first_of_each(&self, limit: u32) -> Vec<u32> {
        let mut first = FirstOfEach::new(limit);
        (0..self.len() as u32).filter(|&index| first.takes(self.labels[index as usize])).collect()
    }

    /// The samples of these indices (each less than `len`), in their order.
    pub fn select(&self, indices: &[u32]) -> Self {
        let store = match &self.store {
            Store::Held(values) => Store::Held(Arc::new(values.picked(indices, self.area))),
            Store::Paged(pages) => Store::Paged(pages.select(indices)),
        };
        Self { store, labels: indices.iter().map(|&i| self.labels[i as usize]).collect(), area: self.area }
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

#[cfg(test)]
impl Part {
    /// Sample `index` as it lies in memory, of a part that is held.
    pub(crate) fn image(&self, index: usize) -> Vec<u8> {
        self.rows(index..index + 1).unwrap().raw().to_vec()
    }
}
