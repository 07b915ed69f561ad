//! A warm-up round: FedAvg on the high-resource clients, or HeteroFL on all.

use super::experiment::Experiment;
use super::power::power;
use super::traffic::{self, Bytes};
use super::{heterofl, schedule};
use crate::config::{WarmupAlgorithm, WarmupConfig};
use crate::device::Device;
use crate::engine::{ClientStep, Engine, EngineError, Samples, TrainClient, TrainSettings, check_local_steps};

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

/// The clients of round `round`, ascending.
pub fn clients(experiment: &Experiment, round: u32) -> Vec<u32> {
    let (config, split) = (&experiment.config, &experiment.split);
    let (participation, seed) = (config.warmup.participation, config.seeds.sampling);
    let drawn = || match experiment.narrow {
        Some(_) => schedule::heterofl_clients(split, participation, seed, round),
        None => schedule::warmup_clients(split, participation, seed, round),
    };
    experiment.given.get(&round).cloned().unwrap_or_else(drawn)
}

/// Bytes of round `round` with these clients.
pub fn sent(experiment: &Experiment, clients: &[u32], round: u32) -> Bytes {
    match &experiment.narrow {
        Some(narrow) => heterofl::sent(experiment, narrow, clients, round),
        None => traffic::warmup_round(experiment.graph.param_count(), clients.len()),
    }
}

/// A client's local epochs in round `round` (absolute), with its share in what the server makes of them.
pub fn client(experiment: &Experiment, round: u32, client: u32, share: f64) -> TrainClient {
    let (warmup, seeds) = (&experiment.config.warmup, &experiment.config.seeds);
    let samples = &experiment.split.clients[client as usize];
    TrainClient {
        batches: schedule::local_batches(samples, warmup.local_epochs, warmup.batch, seeds.shuffle, round, client),
        share: share as f32,
    }
}

/// How clients step in round `round` (absolute).
pub fn client_step(warmup: &WarmupConfig, round: u32) -> ClientStep<'static> {
    let lr = warmup.client_lr * power(warmup.client_lr_decay, round);
    let mu = if warmup.algorithm == WarmupAlgorithm::FedProx { warmup.proximal_mu } else { 0.0 };
    ClientStep {
        lr: lr as f32,
        momentum: warmup.momentum as f32,
        weight_decay: warmup.weight_decay as f32,
        proximal_mu: mu as f32,
        clip_norm: warmup.clip_norm as f32,
        moves: None,
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
    let share = |c: u32| split.clients[c as usize].len() as f64 / total as f64;
    let work: Vec<TrainClient> = clients.iter().map(|&c| client(experiment, round, c, share(c))).collect();
    let settings =
        TrainSettings { client_lr: config.warmup.client_lr as f32, server_lr: config.warmup.server_lr as f32 };
    let train_loss = engine.train(train, &work, &settings)?;
    Ok(WarmupRound { clients, train_loss })
}
