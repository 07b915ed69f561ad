//! What a run begins with: on the device and in its folder.

use super::super::error::FedError;
use super::super::experiment::Experiment;
use super::super::folder::{INIT, METRICS, RunFolder, SPLIT};
use super::super::warmup::{self, Warmup};
use super::super::zo;
use crate::engine::{Engine, Samples, Workspace};
use crate::weights;

/// What lies on a device, and the warm-up's server.
pub(super) struct Loaded {
    pub engine: Engine,
    pub train: Samples,
    pub test: Samples,
    pub validation: Option<Samples>,
    pub warmup: Warmup,
}

pub(super) fn load(experiment: &Experiment, space: Workspace) -> Result<Loaded, FedError> {
    warmup::check(experiment, space.device())?;
    zo::check(experiment, space.device())?;
    let mut engine = Engine::on(space, experiment.graph.clone(), &experiment.initial)?;
    let train = engine.upload(&experiment.train_set())?;
    let test = engine.upload(&experiment.test_set())?;
    let validation = experiment.validation_set().map(|set| engine.upload(&set)).transpose()?;
    let warmup = Warmup::new(&mut engine, experiment)?;
    Ok(Loaded { engine, train, test, validation, warmup })
}

/// The first weights, as their file has them.
pub(super) fn initial_bytes(experiment: &Experiment) -> Vec<u8> {
    weights::encode(&experiment.graph.tensors, &experiment.initial, &[])
}

/// The files that are there before the first round, those of them that are missing.
pub(super) fn first_files(folder: &RunFolder, experiment: &Experiment) -> Result<(), FedError> {
    if !folder.path(SPLIT).exists() {
        folder.write(SPLIT, experiment.split.to_json().as_bytes())?;
    }
    if !folder.path(INIT).exists() {
        folder.write(INIT, &initial_bytes(experiment))?;
    }
    if !folder.path(METRICS).exists() {
        folder.write(METRICS, b"")?;
    }
    Ok(())
}
