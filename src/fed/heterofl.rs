//! Rounds of HeteroFL (Diao, Ding, Tarokh, arXiv 2010.01264): all clients take part, low-resource ones with the sub-network of the leading
//! channels, and each parameter becomes the plain mean over the clients that have it ([`crate::engine::HeteroClient`]).
//!
//! Such training keeps no running statistics of batch norms. Before each evaluation, and so after the last round, they are taken of all
//! clients' data, as `zo.norm_statistics = "recomputed"` takes them: the mean over clients of each one's own ("static" batch norm). Rounds
//! don't read them, so when they are taken changes no parameter.

use super::experiment::Experiment;
use super::traffic::{self, Bytes};
use super::warmup::Local;
use super::{planned, schedule, zo};
use crate::device::Device;
use crate::engine::{Engine, EngineError, HeteroClient, Samples, TrainClient, check_local_steps};
use crate::model::Narrow;

/// Bytes of a round of these clients: each gets and sends the weights that it trains; with the last round all clients' statistics of batch
/// norms.
pub fn sent(experiment: &Experiment, narrow: &Narrow, clients: &[u32], round: u32) -> Bytes {
    let (split, graph) = (&experiment.split, &experiment.graph);
    let high = clients.iter().filter(|&&c| split.high[c as usize]).count();
    let mut sent = traffic::warmup_round(graph.param_count(), high);
    sent += traffic::warmup_round(narrow.graph.param_count(), clients.len() - high);
    if round + 1 == experiment.config.warmup.rounds {
        sent += traffic::norm_statistics(graph.batch_norm_channels(), schedule::clients_with_samples(split).len());
    }
    sent
}

/// Refuses local steps that can't be taken and statistics that don't fit the device, before the first round.
pub fn check(experiment: &Experiment, narrow: &Narrow, device: &dyn Device) -> Result<(), EngineError> {
    let (split, batch) = (&experiment.split, experiment.config.warmup.batch);
    let sizes = |high: bool| -> Vec<usize> {
        let of = split.clients.iter().zip(&split.high).filter(|(_, is)| **is == high);
        of.map(|(indices, _)| indices.len()).collect()
    };
    check_local_steps(&experiment.graph, &sizes(true), batch)?;
    check_local_steps(&narrow.graph, &sizes(false), batch)?;
    if !experiment.graph.has_batch_norm() {
        return Ok(());
    }
    let (mut engine, train) = planned::engine(experiment, device)?;
    take_statistics(&mut engine, experiment, &train)
}

fn take_statistics(engine: &mut Engine, experiment: &Experiment, train: &Samples) -> Result<(), EngineError> {
    zo::take_statistics(engine, experiment, train, &schedule::clients_with_samples(&experiment.split))
}

/// Runs round `round` of these clients. Returns the mean loss over all local steps.
///
/// # Errors
/// The engine's.
pub fn round(
    engine: &mut Engine,
    experiment: &Experiment,
    narrow: &Narrow,
    train: &Samples,
    round: u32,
    clients: &[u32],
) -> Result<f64, EngineError> {
    let (config, split) = (&experiment.config, &experiment.split);
    // Whatever its share of the samples, a client counts as one.
    let counted: Vec<(u32, f64)> = clients.iter().map(|&client| (client, 1.0)).collect();
    let train_loss = Local::of(experiment, round, &counted).run(|work, step| {
        let client = |(work, &client): (&TrainClient, &u32)| {
            let held = (0..split.classes).zip(&split.histograms[client as usize]).filter(|(_, n)| **n > 0);
            HeteroClient {
                work: work.clone(),
                classes: held.map(|(class, _)| class).collect(),
                narrow: !split.high[client as usize],
            }
        };
        engine.train_hetero(narrow, train, work.iter().zip(clients).map(client).collect(), step)
    })?;
    let warmup = config.warmup.rounds;
    if experiment.graph.has_batch_norm() && schedule::evaluates(round, warmup, warmup, config.eval.every) {
        take_statistics(engine, experiment, train)?;
    }
    Ok(train_loss)
}
