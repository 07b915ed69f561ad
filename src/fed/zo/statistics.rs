//! Batch norm's statistics in the zeroth-order phase (`zo.norm_statistics`).

use crate::config::NormStatistics;
use crate::engine::{Engine, EngineError, Samples};
use crate::fed::experiment::Experiment;

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
