//! Data sets: samples as bytes, as they lie in the files and go to the device, and how bytes become values.

mod cifar;
mod digits;
mod error;
mod file;
mod gzip;
mod idx;
mod limit;
mod normalisation;
#[cfg(test)]
pub(crate) mod tests;

pub use error::DataError;
pub use normalisation::Normalisation;

use crate::config::{DataConfig, DataName, NormalisationName};
use limit::FirstOfEach;

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
    fn first_of_each(&self, limit: u32) -> Vec<u32> {
        let mut first = FirstOfEach::new(limit);
        (0..self.len() as u32).filter(|&index| first.takes(self.labels[index as usize])).collect()
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

    fn limited(self, limit: u32) -> Self {
        if limit == 0 {
            return self;
        }
        let indices = self.first_of_each(limit);
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
        let limits = [config.train_limit, config.test_limit];
        let path = || config.path.as_deref().ok_or_else(|| DataError::NoPath { name: config.name.name().to_owned() });
        match config.name {
            DataName::Digits => Self::digits(config),
            DataName::Cifar10 => Self::cifar(config, cifar::CIFAR10, path()?, NormalisationName::Cifar10),
            DataName::Cifar100 => {
                Self::cifar(config, cifar::cifar100(config.labels), path()?, NormalisationName::Cifar100)
            }
            DataName::Idx => {
                let folder = path()?;
                let idx::Idx { shape, classes, train, test } = idx::read(folder, limits)?;
                Self::with_own_split(config, shape, classes, [train, test], idx::usual(folder, shape[0]))
            }
            DataName::ImageNet32 | DataName::Npz => Err(DataError::Unsupported { name }),
        }
    }

    /// Samples of value 0 in the place of a set's files, as many and as large as those of the original (of IDX files: MNIST's), with
    /// labels in turn; `None` for sets that need no files.
    pub fn made_up(config: &DataConfig) -> Option<Self> {
        let (shape, train, classes, usual) = match config.name {
            DataName::Cifar10 => ([3, 32, 32], 50_000, 10, NormalisationName::Cifar10),
            DataName::Cifar100 => {
                ([3, 32, 32], 50_000, cifar::cifar100(config.labels).classes, NormalisationName::Cifar100)
            }
            DataName::Idx => ([1, 28, 28], 60_000, 10, NormalisationName::Mnist),
            DataName::Digits | DataName::ImageNet32 | DataName::Npz => return None,
        };
        let samples = |n: u32, limit: u32| {
            let all = Samples {
                pixels: vec![0; n as usize * shape.iter().product::<usize>()],
                labels: (0..n).map(|i| i % classes).collect(),
                area: shape.iter().product(),
            };
            all.limited(limit)
        };
        let parts = [samples(train, config.train_limit), samples(10_000, config.test_limit)];
        Self::with_own_split(config, shape, classes, parts, usual).ok()
    }

    fn cifar(
        config: &DataConfig,
        set: cifar::Set,
        path: &std::path::Path,
        usual: NormalisationName,
    ) -> Result<Self, DataError> {
        let (train, test) = set.read(path, [config.train_limit, config.test_limit])?;
        Self::with_own_split(config, [3, 32, 32], set.classes, [train, test], usual)
    }

    fn with_own_split(
        config: &DataConfig,
        shape: [usize; 3],
        classes: u32,
        [train, test]: [Samples; 2],
        usual: NormalisationName,
    ) -> Result<Self, DataError> {
        Ok(Self {
            name: config.name.name().to_owned(),
            shape,
            classes,
            train,
            test,
            normalisation: Normalisation::choose(config, 255.0, shape[0], usual)?,
            test_indices: None,
        })
    }

    /// Sample i of the file is a test sample where i mod 5 is 4.
    fn digits(config: &DataConfig) -> Result<Self, DataError> {
        let all = digits::read()?;
        let (test, train): (Vec<u32>, Vec<u32>) = (0..all.len() as u32).partition(|i| i % 5 == 4);
        let classes = digits::CLASSES;
        let kept = all.select(&test).first_of_each(config.test_limit);
        let test: Vec<u32> = kept.into_iter().map(|i| test[i as usize]).collect();
        Ok(Self {
            name: config.name.name().to_owned(),
            shape: [1, 8, 8],
            classes,
            train: all.select(&train).limited(config.train_limit),
            test: all.select(&test),
            normalisation: Normalisation::choose(config, f32::from(digits::WHITE), 1, NormalisationName::None)?,
            test_indices: Some(test),
        })
    }
}
