//! Batch norm's statistics in the zeroth-order phase (`zo.norm_statistics`), and the weights that it begins with.

use crate::config::NormStatistics;
use crate::engine::{Engine, EngineError, Samples};
use crate::fed::experiment::Experiment;
use crate::fed::schedule;
use crate::stream::replay::sanitize_base;

/// Which statistics batch norms take; `Frozen` for models without any.
pub fn norm_statistics(experiment: &Experiment) -> NormStatistics {
    if experiment.graph.has_batch_norm() { experiment.config.zo.norm_statistics } else { NormStatistics::Frozen }
}

/// Replaces the running statistics by the mean over `clients` of those of each one's own samples.
pub fn take_statistics(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    clients: &[u32],
) -> Result<(), EngineError> {
    let indices: Vec<&[u32]> = clients.iter().map(|&c| &experiment.split.clients[c as usize][..]).collect();
    let statistics = engine.batch_norm_statistics(train, &indices)?;
    engine.set_running_statistics(&statistics)
}

/// Makes the pivot's weights of those after the warm-up, on the device, and gives them back: where `zo.norm_statistics` says so with
/// statistics of all clients' data, and without what a replay can't begin with.
pub fn to_pivot(engine: &mut Engine, experiment: &Experiment, train: &Samples) -> Result<Vec<f32>, EngineError> {
    if norm_statistics(experiment) == NormStatistics::Recomputed {
        take_statistics(engine, experiment, train, &schedule::clients_with_samples(&experiment.split))?;
    }
    let mut pivot = engine.weights()?;
    sanitize_base(&mut pivot);
    engine.set_weights(&pivot)?;
    Ok(pivot)
}
