//! Rounds that are only planned: on an engine that computes nothing, within the limits of a device, which counts what they would take.

use super::experiment::Experiment;
use super::warmup::Warmup;
use crate::device::{Device, PlanningDevice};
use crate::engine::{Engine, EngineError, Samples};

/// An engine on nothing but the limits of a device, beside the sets of samples that a run holds; and the training samples.
///
/// # Errors
/// Weights or samples that don't fit.
pub fn engine(experiment: &Experiment, device: &dyn Device) -> Result<(Engine, Samples), EngineError> {
    let mut engine = Engine::planned(Box::new(PlanningDevice::like(device)), experiment.graph.clone())?;
    let train = engine.reserve(&experiment.train_set())?;
    engine.reserve(&experiment.test_set())?;
    if let Some(set) = experiment.validation_set() {
        engine.reserve(&set)?;
    }
    Ok((engine, train))
}

/// Plans the first round of a warm-up: copies of the weights that move, their gradients and velocities, the server's moments.
///
/// # Errors
/// What can't be cut and doesn't fit.
pub fn warmup_round(engine: &mut Engine, experiment: &Experiment, train: &Samples) -> Result<(), EngineError> {
    Warmup::new(engine, experiment)?.round(engine, experiment, train, 0).map(drop)
}
