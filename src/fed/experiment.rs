//! Everything a run needs before its first round, made and checked on the host: data, split, model, initial weights.

use std::collections::BTreeMap;

use super::error::FedError;
use super::schedule;
use crate::caps::Precision;
use crate::config::{Config, SplitKind, WarmupAlgorithm};
use crate::data::{Dataset, Part};
use crate::engine::SampleSet;
use crate::model::{Graph, ModelError, ModelSpec, Narrow};
use crate::split::{self, Split, SplitError};
use crate::weights;

/// A run's ingredients.
pub struct Experiment {
    /// The config, complete.
    pub config: Config,
    /// Samples.
    pub data: Dataset,
    /// Training samples that no client holds, to choose settings by; none without `data.validation`.
    pub validation: Option<Part>,
    /// Which client holds which training samples, and which clients are high-resource.
    pub split: Split,
    /// The model table with input and classes filled in, as ledgers carry it.
    pub model: serde_json::Value,
    /// The model.
    pub graph: Graph,
    /// The sub-network that low-resource clients train, of HeteroFL.
    pub narrow: Option<Narrow>,
    /// Weights before the first round (d f32, flat order).
    pub initial: Vec<f32>,
    /// What was done to the tensors of `model.weights`.
    pub notes: Vec<weights::Note>,
    /// Who takes part in rounds where that isn't drawn, by round (absolute); each list ascending.
    pub given: BTreeMap<u32, Vec<u32>>,
}

impl Experiment {
    /// Loads and checks everything the config names. Nothing is written.
    pub fn prepare(config: &Config) -> Result<Self, FedError> {
        let spec = table_of(config)?;
        Self::of(config, spec, Dataset::load(&config.data)?)
    }

    /// As [`Experiment::prepare`], but where the data set's files are missing, with made-up samples in their place, as many as the
    /// original has: enough to count with. Tells whether they are made up.
    pub fn prepare_sizes(config: &Config) -> Result<(Self, bool), FedError> {
        let spec = table_of(config)?;
        match Dataset::load(&config.data) {
            Err(error) => match Dataset::made_up(&config.data) {
                Some(data) if error.is_missing() => Ok((Self::of(config, spec, data)?, true)),
                _ => Err(error.into()),
            },
            Ok(data) => Ok((Self::of(config, spec, data)?, false)),
        }
    }

    /// As [`Experiment::prepare`], with a data set in the place of the one that `[data]` names.
    ///
    /// # Errors
    /// A model or a partition that doesn't go with the data.
    pub fn with_data(config: &Config, data: Dataset) -> Result<Self, FedError> {
        Self::of(config, table_of(config)?, data)
    }

    fn of(config: &Config, spec: ModelSpec, data: Dataset) -> Result<Self, FedError> {
        let spec = completed(spec, &data)?;
        let graph = spec.graph()?;
        let narrow = narrow_of(config, &spec)?;
        let (split, held) = split_of(config, &data)?;
        let validation = (!held.is_empty()).then(|| data.train.select(&held));
        let named = match config.split.kind {
            SplitKind::File => config.split.file.as_deref(),
            SplitKind::Natural => config.data.path.as_deref(),
            _ => None,
        };
        let config = match named {
            Some(path) => {
                let high = split.high_clients().len() as u32;
                config.clone().with_clients(path, split.clients.len() as u32, high)?
            }
            None => config.clone(),
        };
        let (initial, notes) = match &config.model.weights {
            Some(path) => {
                let loaded = weights::load(path, &graph.tensors)?;
                (loaded.values, loaded.notes)
            }
            None => (graph.init_weights(config.seeds.weights), Vec::new()),
        };
        Ok(Self {
            config,
            data,
            validation,
            split,
            model: spec.to_json(),
            graph,
            narrow,
            initial,
            notes,
            given: BTreeMap::new(),
        })
    }

    /// Those of the clients sampled for round `round` (absolute) that don't drop out of it.
    pub fn present(&self, sampled: Vec<u32>, round: u32) -> Vec<u32> {
        let (dropout, clients) = (self.config.split.dropout, self.split.clients.len());
        schedule::present(sampled, dropout, clients, self.config.seeds.sampling, round)
    }

    /// How exact its products are: as the config says, but f32 where a single launch computes the whole forward pass, which knows nothing else.
    pub fn precision(&self) -> Precision {
        if self.graph.one_dispatch().is_some() { Precision::F32 } else { self.config.device.precision }
    }

    /// The training samples as the engine takes them.
    pub fn train_set(&self) -> SampleSet<'_> {
        sample_set(&self.data, &self.data.train)
    }

    /// The test samples.
    pub fn test_set(&self) -> SampleSet<'_> {
        sample_set(&self.data, &self.data.test)
    }

    /// The validation samples.
    pub fn validation_set(&self) -> Option<SampleSet<'_>> {
        self.validation.as_ref().map(|part| sample_set(&self.data, part))
    }
}

/// The partition of a config's training samples, and those of them that are held back for validation.
///
/// # Errors
/// A partition that can't be made of these samples.
pub fn split_of(config: &Config, data: &Dataset) -> Result<(Split, Vec<u32>), SplitError> {
    let seed = config.seeds.split;
    let held = split::validation(&data.train.labels, data.classes, config.data.validation, seed);
    let split = Split::without(&held, &config.split, data, seed)?;
    Ok((split, held))
}

/// The sub-network of a config's low-resource clients, of HeteroFL; other methods have none.
///
/// # Errors
/// A width that makes none of this model.
pub fn narrow_of(config: &Config, spec: &ModelSpec) -> Result<Option<Narrow>, FedError> {
    let heterofl = config.warmup.algorithm == WarmupAlgorithm::HeteroFl;
    Ok(heterofl.then(|| spec.narrow(config.heterofl.low_width)).transpose()?)
}

/// The model of a config, for its data: input and classes follow from the data where the model table doesn't give them.
pub fn model_of(config: &Config, data: &Dataset) -> Result<ModelSpec, FedError> {
    completed(table_of(config)?, data)
}

/// The model table of a config as it stands there, each of its values checked: before the data, which may take long, are read.
///
/// # Errors
/// A value that its key can't have.
pub(super) fn table_of(config: &Config) -> Result<ModelSpec, ModelError> {
    ModelSpec::from_json(&serde_json::Value::Object(config.model.table.clone()))
}

fn completed(spec: ModelSpec, data: &Dataset) -> Result<ModelSpec, FedError> {
    Ok(spec.with_data(data.shape, data.classes as usize)?)
}

/// Part of a data set as the engine takes it.
pub fn sample_set<'a>(data: &'a Dataset, part: &'a Part) -> SampleSet<'a> {
    let [channels, height, width] = data.shape;
    SampleSet::of_part(part, (channels, height * width), data.normalisation.table())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_model_is_told_before_data_are_read() {
        let sets = ["data.name=cifar10", "data.path=/nowhere", "model={kind='mlp',hidden=[0]}"].map(str::to_owned);
        let config = Config::load(None, &sets).unwrap();
        let errors = [Experiment::prepare(&config).err(), Experiment::prepare_sizes(&config).err()];
        for error in errors {
            assert!(
                matches!(&error, Some(FedError::Model(ModelError::Key { key, .. })) if key == "hidden"),
                "{error:?}"
            );
        }
    }
}
