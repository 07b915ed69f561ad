//! Data sets: samples as bytes, as they lie in the files and go to the device, and how bytes become values; or as floats, normalised.

mod arrays;
mod cifar;
mod csv;
mod digits;
mod error;
mod file;
mod given;
mod gzip;
mod idx;
mod images;
mod layout;
mod limit;
mod missing;
mod normalisation;
mod own;
mod samples;
#[cfg(test)]
pub(crate) mod tests;

pub use error::DataError;
pub use normalisation::Normalisation;
pub use samples::{Samples, Values};

use crate::config::{DataConfig, DataName, NormalisationName};

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
        Self::read(config).map_err(|error| match missing::files(config.name) {
            Some((files, section)) if error.is_missing() => {
                let name = config.name.name().to_owned();
                DataError::NotThere { source: Box::new(error), name, files, section }
            }
            _ => error,
        })
    }

    fn read(config: &DataConfig) -> Result<Self, DataError> {
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
            DataName::Npz => arrays::read(&arrays::Npz::open(path()?)?, limits)?.dataset(config),
            DataName::Safetensors => arrays::read(&arrays::Tensors::open(path()?)?, limits)?.dataset(config),
            DataName::Images => images::read(path()?, config.size, limits)?.dataset(config),
            DataName::Csv => csv::read(path()?, &config.label, limits)?.dataset(config),
            DataName::ImageNet32 => Err(DataError::Unsupported { name }),
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
            DataName::Digits | DataName::ImageNet32 => return None,
            DataName::Npz | DataName::Safetensors | DataName::Images | DataName::Csv => return None,
        };
        let samples = |n: u32, limit: u32| {
            let area = shape.iter().product::<usize>();
            let pixels = Values::Bytes(vec![0; n as usize * area]);
            Samples::of(pixels, (0..n).map(|i| i % classes).collect(), area).limited(limit)
        };
        let parts = [samples(train, config.train_limit), samples(10_000, config.test_limit)];
        Self::with_own_split(config, shape, classes, parts, usual).ok()
    }

    /// The values of samples of `part` at `indices` as the model gets them, `[n, c, h, w]`.
    pub fn inputs(&self, part: &Samples, indices: &[u32]) -> Vec<f32> {
        let ([_, h, w], area) = (self.shape, part.area());
        let of_sample = |&i: &u32| match &part.values {
            Values::Bytes(bytes) => self.normalisation.apply(&bytes[i as usize * area..][..area], h * w),
            Values::Floats(values) => values[i as usize * area..][..area].to_vec(),
        };
        indices.iter().flat_map(of_sample).collect()
    }

    /// Mean and standard deviation of each channel of the training samples, bytes divided by the divisor, before they are normalised.
    pub fn moments(&self) -> (Vec<f32>, Vec<f32>) {
        let n = &self.normalisation;
        let (mean, std) = own::moments(&self.train, self.shape[0], n.divisor);
        match self.train.values {
            Values::Bytes(_) => (mean, std),
            Values::Floats(_) => {
                let by = || n.mean.iter().zip(&n.std);
                (
                    mean.iter().zip(by()).map(|(m, (mean, std))| m * std + mean).collect(),
                    std.iter().zip(&n.std).map(|(s, std)| s * std).collect(),
                )
            }
        }
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
        let (test, train): (Vec<u32>, Vec<u32>) = (0..all.len() as u32).partition(|&i| own::is_test(i as usize));
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
