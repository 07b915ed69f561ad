//! Reading the set that a config names.

use super::limit::{HELD, Limits};
#[cfg(feature = "parquet")]
use super::parquet;
use super::{DataError, Dataset, Normalisation, Part, Values};
use super::{arrays, batches, cifar, csv, digits, file, idx, images, leaf, own};
use crate::config::{DataConfig, DataName, NormalisationName};

impl Dataset {
    /// Reads the set that a config names. Parts of more than [`HELD`] bytes stay in their files, where these can be read in any order.
    ///
    /// # Errors
    /// A missing, truncated, oversized or malformed file, by name; see [`DataError`].
    pub fn load(config: &DataConfig) -> Result<Self, DataError> {
        Self::load_within(config, HELD)
    }

    /// As [`Dataset::load`], with another number of bytes that a part may take in memory. The values are the same whatever it is.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load_within(config: &DataConfig, held: u64) -> Result<Self, DataError> {
        Self::read(config, held).map_err(|error| match config.name.files() {
            Some((files, section)) if error.is_missing() => {
                let name = config.name.name().to_owned();
                DataError::NotThere { source: Box::new(error), name, files, section }
            }
            _ => error,
        })
    }

    fn read(config: &DataConfig, held: u64) -> Result<Self, DataError> {
        let limits = Limits { first: [config.train_limit, config.test_limit], held };
        let path = || config.path.as_deref().ok_or_else(|| DataError::NoPath { name: config.name.name().to_owned() });
        match config.name {
            DataName::Digits => Self::digits(config),
            DataName::Cifar10 => Self::cifar(config, cifar::CIFAR10, limits, NormalisationName::Cifar10),
            DataName::Cifar100 => {
                Self::cifar(config, cifar::cifar100(config.labels), limits, NormalisationName::Cifar100)
            }
            DataName::Idx => {
                let folder = path()?;
                let idx::Idx { shape, classes, train, test } = idx::read(folder, limits)?;
                Self::with_own_split(config, shape, classes, [train, test], idx::usual(folder, shape[0]))
            }
            DataName::Npz if path()?.is_dir() => {
                arrays::read(&arrays::Npys::open(path()?)?, &config.client, limits)?.dataset(config)
            }
            DataName::Npz => arrays::read(&arrays::Npz::open(path()?)?, &config.client, limits)?.dataset(config),
            DataName::Safetensors => {
                arrays::read(&arrays::Tensors::open(path()?)?, &config.client, limits)?.dataset(config)
            }
            DataName::Images => images::read(path()?, config.size, limits)?.dataset(config),
            DataName::Csv => csv::read(path()?, &config.label, &config.client, limits)?.dataset(config),
            #[cfg(feature = "parquet")]
            DataName::Parquet => parquet::read(path()?, &config.label, &config.client, limits)?.dataset(config),
            #[cfg(not(feature = "parquet"))]
            DataName::Parquet => Err(DataError::NotBuilt { name: config.name.name().to_owned(), feature: "parquet" }),
            DataName::Leaf => leaf::read(path()?, limits)?.dataset(config),
            DataName::ImageNet32 => Self::imagenet32(config, limits),
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
            // As many zeros as ImageNet has would fill the memory.
            DataName::Digits
            | DataName::ImageNet32
            | DataName::Npz
            | DataName::Safetensors
            | DataName::Images
            | DataName::Csv
            | DataName::Parquet
            | DataName::Leaf => return None,
        };
        let samples = |n: u32, limit: u32| {
            let area = shape.iter().product::<usize>();
            let pixels = Values::Bytes(vec![0; n as usize * area]);
            Part::of(pixels, (0..n).map(|i| i % classes).collect(), area).limited(limit)
        };
        let parts = [samples(train, config.train_limit), samples(10_000, config.test_limit)];
        Self::with_own_split(config, shape, classes, parts, usual).ok()
    }

    /// Mean and standard deviation of each channel of the training samples, bytes divided by the divisor, before they are normalised.
    ///
    /// # Errors
    /// Samples that can't be read.
    pub fn moments(&self) -> Result<(Vec<f32>, Vec<f32>), DataError> {
        let n = &self.normalisation;
        let (mean, std) = own::moments(&self.train, self.shape[0], n.divisor)?;
        if !self.train.is_float() {
            return Ok((mean, std));
        }
        let by = || n.mean.iter().zip(&n.std);
        Ok((
            mean.iter().zip(by()).map(|(m, (mean, std))| m * std + mean).collect(),
            std.iter().zip(&n.std).map(|(s, std)| s * std).collect(),
        ))
    }

    fn cifar(
        config: &DataConfig,
        set: cifar::Set,
        limits: Limits,
        usual: NormalisationName,
    ) -> Result<Self, DataError> {
        let path = config.path.as_deref().ok_or_else(|| DataError::NoPath { name: config.name.name().to_owned() })?;
        // The Python version, where that alone is there.
        let python = match config.name {
            DataName::Cifar100 => batches::cifar100(config.labels),
            _ => batches::CIFAR10,
        };
        let folders = ["", "cifar-10-batches-py", "cifar-100-python"].map(|inner| path.join(inner));
        let (train, test) = match folders.iter().filter(|_| !set.is_there(path)).find_map(|folder| python.files(folder))
        {
            Some((train, test)) => {
                let (train, test, _) = python.read(&train, &test, limits)?;
                (train, test)
            }
            None => set.read(path, limits)?,
        };
        Self::with_own_split(config, [3, 32, 32], set.classes, [train, test], usual)
    }

    fn imagenet32(config: &DataConfig, limits: Limits) -> Result<Self, DataError> {
        let set = batches::IMAGENET;
        let path = config.path.as_deref().ok_or_else(|| DataError::NoPath { name: config.name.name().to_owned() })?;
        file::require_folder(path, set.what)?;
        let missing = || DataError::Missing {
            folder: path.to_owned(),
            what: "training batch of ImageNet32",
            tried: ["train_data_batch_1", "train_data_batch_1.npz", "..."].map(str::to_owned).to_vec(),
        };
        let (train, test) = set.files(path).ok_or_else(missing)?;
        let (train, test, edge) = set.read(&train, &test, limits)?;
        let (shape, classes) = ([3, edge, edge], set.classes);
        own::Own { shape, classes, train, test, test_indices: None, clients: None }.dataset(config)
    }

    fn with_own_split(
        config: &DataConfig,
        shape: [usize; 3],
        classes: u32,
        [train, test]: [Part; 2],
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
            clients: None,
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
            clients: None,
        })
    }
}
