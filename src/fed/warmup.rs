//! A warm-up round: FedAvg on the high-resource clients, or HeteroFL on all.

use super::experiment::Experiment;
use super::traffic::{self, Bytes};
use super::{heterofl, schedule};
use crate::device::Device;
use crate::engine::{Engine, EngineError, Samples, TrainClient, TrainSettings, check_local_steps};

/// What a warm-up round reports.
#[derive(Clone, Debug)]
pub struct WarmupRound {
    /// Clients that took part, ascending.
    pub clients: Vec<u32>,
    /// Mean loss over all local steps.
    pub train_loss: f64,
}

/// Refuses what can't be done, before the first round.
pub fn check(experiment: &Experiment, device: &dyn Device) -> Result<(), EngineError> {
    let (warmup, split) = (&experiment.config.warmup, &experiment.split);
    if warmup.rounds == 0 {
        return Ok(());
    }
    if let Some(narrow) = &experiment.narrow {
        return heterofl::check(experiment, narrow, device);
    }
    let high = split.clients.iter().zip(&split.high).filter(|(_, high)| **high);
    let sizes: Vec<usize> = high.map(|(indices, _)| indices.len()).collect();
    check_local_steps(&experiment.graph, &sizes, warmup.batch)
}

/// The clients that take part in round `round`, ascending.
pub fn clients(experiment: &Experiment, round: u32) -> Vec<u32> {
    let config = &experiment.config;
    match &experiment.narrow {
        Some(_) => heterofl::clients(experiment, round),
        None => {
            let (participation, seed) = (config.warmup.participation, config.seeds.sampling);
            schedule::warmup_clients(&experiment.split, participation, seed, round)
        }
    }
}

/// Bytes of round `round` with these clients.
pub fn sent(experiment: &Experiment, clients: &[u32], round: u32) -> Bytes {
    match &experiment.narrow {
        Some(narrow) => heterofl::sent(experiment, narrow, clients, round),
        None => traffic::warmup_round(experiment.graph.param_count(), clients.len()),
    }
}

/// Runs round `round`: every client that takes part trains for its local epochs, the server averages by data size.
pub fn round(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    round: u32,
) -> Result<WarmupRound, EngineError> {
    if let Some(narrow) = &experiment.narrow {
        return heterofl::round(engine, experiment, narrow, train, round);
    }
    let (config, split) = (&experiment.config, &experiment.split);
    let clients = clients(experiment, round);
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
