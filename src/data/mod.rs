//! Data sets: samples as bytes, as they lie in the files and go to the device, and how bytes become values.

mod cifar;
mod digits;
mod error;
mod file;
mod idx;
mod normalisation;
#[cfg(test)]
pub(crate) mod tests;

pub use error::DataError;
pub use normalisation::Normalisation;

use crate::config::{DataConfig, DataName, NormalisationName};
use std::path::Path;

/// Images and labels of the training or the test part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Samples {
    /// `[n, c, h, w]`.
    pub pixels: Vec<u8>,
    /// `[n]`, each less than the number of classes.
    pub labels: Vec<u32>,
    /// Bytes of a sample, c h w.
    area: usize,
}

impl Samples {
    /// No samples, of `area` bytes each.
    pub fn new(area: usize) -> Self {
        Self { pixels: Vec::new(), labels: Vec::new(), area }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of a sample, c h w.
    pub fn area(&self) -> usize {
        self.area
    }

    /// The bytes of sample `index`, which must be less than `len`.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.area..(index + 1) * self.area]
    }

    /// Samples of each class.
    pub fn histogram(&self, classes: u32) -> Vec<u32> {
        let mut counts = vec![0; classes as usize];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }

    fn push(&mut self, image: &[u8], label: u32) {
        self.pixels.extend_from_slice(image);
        self.labels.push(label);
    }

    /// Indices of the first `limit` samples of each class, in file order; all where `limit` is 0.
    fn first_of_each(&self, limit: u32, classes: u32) -> Vec<u32> {
        let mut seen = vec![0u32; classes as usize];
        let keep = |index: &u32| {
            let count = &mut seen[self.labels[*index as usize] as usize];
            *count += 1;
            limit == 0 || *count <= limit
        };
        (0..self.len() as u32).filter(keep).collect()
    }

    /// The samples of these indices, in their order.
    fn select(&self, indices: &[u32]) -> Self {
        let mut selected = Self::new(self.area);
        selected.pixels.reserve_exact(indices.len() * self.area);
        for &index in indices {
            selected.push(self.image(index as usize), self.labels[index as usize]);
        }
        selected
    }

    fn limited(self, limit: u32, classes: u32) -> Self {
        if limit == 0 {
            return self;
        }
        let indices = self.first_of_each(limit, classes);
        self.select(&indices)
    }
}

/// A data set in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Its name in configs.
    pub name: String,
    /// `[c, h, w]` of a sample.
    pub shape: [usize; 3],
    /// Number of classes.
    pub classes: u32,
    /// Training samples, after the limit.
    pub train: Samples,
    /// Test samples, after the limit.
    pub test: Samples,
    /// How bytes become values.
    pub normalisation: Normalisation,
    /// Where the set has no split of its own: indices of the test samples in the original file.
    pub test_indices: Option<Vec<u32>>,
}

impl Dataset {
    /// Reads the set that a config names.
    ///
    /// # Errors
    /// A missing, truncated, oversized or malformed file, by name; see [`DataError`].
    pub fn load(config: &DataConfig) -> Result<Self, DataError> {
        let name = config.name.name().to_owned();
        let path = || config.path.as_deref().ok_or_else(|| DataError::NoPath { name: config.name.name().to_owned() });
        match config.name {
            DataName::Digits => Self::digits(config),
            DataName::Cifar10 => {
                let (train, test) = cifar::read(path()?)?;
                Self::with_own_split(config, [3, 32, 32], cifar::CLASSES, train, test, NormalisationName::Cifar10)
            }
            DataName::Idx => {
                let folder: &Path = path()?;
                let idx::Idx { size: [h, w], train, test } = idx::read(folder)?;
                Self::with_own_split(config, [1, h, w], idx::CLASSES, train, test, idx::usual(folder))
            }
            DataName::ImageNet32 | DataName::Npz => Err(DataError::Unsupported { name }),
        }
    }

    /// Samples of value 0 in the place of a set's files, as many and as large as those of the original (of IDX files: MNIST's), with
    /// labels in turn; `None` for sets that need no files.
    pub fn made_up(config: &DataConfig) -> Option<Self> {
        let (shape, train, usual) = match config.name {
            DataName::Cifar10 => ([3, 32, 32], 50_000, NormalisationName::Cifar10),
            DataName::Idx => ([1, 28, 28], 60_000, NormalisationName::Mnist),
            _ => return None,
        };
        let samples = |n: u32| Samples {
            pixels: vec![0; n as usize * shape.iter().product::<usize>()],
            labels: (0..n).map(|i| i % 10).collect(),
            area: shape.iter().product(),
        };
        Self::with_own_split(config, shape, 10, samples(train), samples(10_000), usual).ok()
    }

    fn with_own_split(
        config: &DataConfig,
        shape: [usize; 3],
        classes: u32,
        train: Samples,
        test: Samples,
        usual: NormalisationName,
    ) -> Result<Self, DataError> {
        Ok(Self {
            name: config.name.name().to_owned(),
            shape,
            classes,
            train: train.limited(config.train_limit, classes),
            test: test.limited(config.test_limit, classes),
            normalisation: Normalisation::choose(config, 255.0, shape[0], usual)?,
            test_indices: None,
        })
    }

    /// Sample i of the file is a test sample where i mod 5 is 4.
    fn digits(config: &DataConfig) -> Result<Self, DataError> {
        let all = digits::read()?;
        let (test, train): (Vec<u32>, Vec<u32>) = (0..all.len() as u32).partition(|i| i % 5 == 4);
        let classes = digits::CLASSES;
        let kept = all.select(&test).first_of_each(config.test_limit, classes);
        let test: Vec<u32> = kept.into_iter().map(|i| test[i as usize]).collect();
        Ok(Self {
            name: config.name.name().to_owned(),
            shape: [1, 8, 8],
            classes,
            train: all.select(&train).limited(config.train_limit, classes),
            test: all.select(&test),
            normalisation: Normalisation::choose(config, f32::from(digits::WHITE), 1, NormalisationName::None)?,
            test_indices: Some(test),
        })
    }
}
