//! A warm-up round: FedAvg on the high-resource clients.

use super::experiment::Experiment;
use super::schedule;
use crate::engine::{Engine, EngineError, Samples, TrainClient, TrainSettings, check_local_steps};

/// What a warm-up round reports.
#[derive(Clone, Debug)]
pub struct WarmupRound {
    /// Clients that took part, ascending.
    pub clients: Vec<u32>,
    /// Mean loss over all local steps.
    pub train_loss: f64,
}

/// Refuses local steps that can't be taken, before the first round.
pub fn check(experiment: &Experiment) -> Result<(), EngineError> {
    let (warmup, split) = (&experiment.config.warmup, &experiment.split);
    if warmup.rounds == 0 {
        return Ok(());
    }
    let high = split.clients.iter().zip(&split.high).filter(|(_, high)| **high);
    let sizes: Vec<usize> = high.map(|(indices, _)| indices.len()).collect();
    check_local_steps(&experiment.graph, &sizes, warmup.batch)
}

/// Runs round `round`: every client that takes part trains for its local epochs, the server averages by data size.
pub fn round(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    round: u32,
) -> Result<WarmupRound, EngineError> {
    let (config, split) = (&experiment.config, &experiment.split);
    let clients = schedule::warmup_clients(split, config.warmup.participation, config.seeds.sampling, round);
    let total: usize = clients.iter().map(|&c| split.clients[c as usize].len()).sum();
    let work: Vec<TrainClient> = clients
        .iter()
        .map(|&client| {
            let samples = &split.clients[client as usize];
            let (epochs, batch) = (config.warmup.local_epochs, config.warmup.batch);
            TrainClient {
                batches: schedule::local_batches(samples, epochs, batch, config.seeds.shuffle, round, client),
                share: (samples.len() as f64 / total as f64) as f32,
            }
        })
        .collect();
    let settings =
        TrainSettings { client_lr: config.warmup.client_lr as f32, server_lr: config.warmup.server_lr as f32 };
    let train_loss = engine.train(train, &work, &settings)?;
    Ok(WarmupRound { clients, train_loss })
}
