//! A warm-up round: the high-resource clients train (HeteroFL: all), the server joins what came of it (methods.md, First order).

use super::augment;
use super::drawn;
use super::error::FedError;
use super::experiment::Experiment;
use super::parts::{Aggregation, ClientChange, HostOptimizer};
use super::traffic::{self, Bytes};
use super::{heterofl, planned, schedule};
use crate::config::{Augment, WarmupAlgorithm, WarmupConfig};
use crate::device::Device;
use crate::engine::{
    ClientStep, Engine, EngineError, LossScale, Moves, Samples, ScaledRound, ServerOptimizer, TrainClient,
    check_local_steps, power,
};
use crate::rng::host::derive;

/// What a warm-up round reports.
#[derive(Clone, Debug)]
pub struct WarmupRound {
    /// Clients that took part, ascending.
    pub clients: Vec<u32>,
    /// Mean loss over all local steps.
    pub train_loss: f64,
    /// Steps that were skipped, and the scale of the clients' losses after the round; none where it is of no use (docs/methods.md).
    pub scaled: Option<ScaledRound>,
}

/// Refuses what can't be done, before the first round.
///
/// # Errors
/// Local steps that can't be taken, or are too many; copies of the weights with their velocities, a server's moments or HeteroFL's statistics that don't fit
/// the device.
pub fn check(experiment: &Experiment, device: &dyn Device) -> Result<(), FedError> {
    let (warmup, split) = (&experiment.config.warmup, &experiment.split);
    if warmup.rounds == 0 {
        return Ok(());
    }
    drawn::check_epochs(experiment, experiment.narrow.is_none(), sampled(experiment, 0).len())?;
    if let Some(narrow) = &experiment.narrow {
        heterofl::check(experiment, narrow, device)?;
    } else {
        let high = split.clients.iter().zip(&split.high).filter(|(_, high)| **high);
        let sizes: Vec<usize> = high.map(|(indices, _)| indices.len()).collect();
        check_local_steps(&experiment.graph, &sizes, warmup.batch)?;
    }
    let (mut engine, train) = planned::engine(experiment, device)?;
    Ok(planned::warmup_round(&mut engine, experiment, &train)?)
}

/// The clients that are sampled for round `round`, ascending.
pub fn sampled(experiment: &Experiment, round: u32) -> Vec<u32> {
    let (config, split) = (&experiment.config, &experiment.split);
    let (participation, seed) = (config.warmup.participation, config.seeds.sampling);
    match experiment.narrow {
        Some(_) => schedule::heterofl_clients(split, participation, seed, round),
        None => schedule::warmup_clients(split, participation, seed, round),
    }
}

/// The clients that take part in round `round`, ascending: those sampled that don't drop out.
pub fn clients(experiment: &Experiment, round: u32) -> Vec<u32> {
    let drawn = || experiment.present(sampled(experiment, round), round);
    experiment.given.get(&round).cloned().unwrap_or_else(drawn)
}

/// Bytes of round `round` with these clients.
pub fn sent(experiment: &Experiment, clients: &[u32], round: u32) -> Bytes {
    match &experiment.narrow {
        Some(narrow) => heterofl::sent(experiment, narrow, clients, round),
        None => traffic::warmup_round(experiment.graph.param_count(), clients.len()),
    }
}

/// The server of a warm-up. What it keeps from round to round are the engine's moments, which [`Engine::save`] holds; so it goes on from
/// any round, once they are restored.
#[derive(Clone, Copy, Debug)]
pub struct Warmup {
    optimizer: Option<ServerOptimizer>,
}

impl Warmup {
    /// Before the first round: the server's moments begin.
    ///
    /// # Errors
    /// Moments that don't fit the memory.
    pub fn new(engine: &mut Engine, experiment: &Experiment) -> Result<Self, EngineError> {
        let optimizer = optimizer(&experiment.config.warmup);
        engine.reset_moments(&optimizer.unwrap_or(ServerOptimizer::Sgd))?;
        Ok(Self { optimizer })
    }

    /// What the server keeps beside the weights: names and lengths of its moments, and, where they are scaled, of the scale of the clients' losses.
    pub fn kept(&self, engine: &Engine, scaled: bool) -> Vec<(&'static str, usize)> {
        let moments = self.optimizer.iter().flat_map(ServerOptimizer::moments);
        let moments = moments.map(|(name, _)| (name, engine.graph().state_len()));
        moments.chain(scaled.then_some((LossScale::NAME, LossScale::VALUES))).collect()
    }

    /// As [`Warmup::round`], with parts of one's own.
    ///
    /// # Errors
    /// Parts that give something of another length; the engine's.
    pub fn round_by(
        &self,
        engine: &mut Engine,
        experiment: &Experiment,
        train: &Samples,
        round: u32,
        parts: Parts<'_>,
    ) -> Result<WarmupRound, EngineError> {
        if parts.aggregation.is_none() && parts.optimizer.is_none() {
            return self.round(engine, experiment, train, round);
        }
        let clients = clients(experiment, round);
        let (direction, train_loss) = match parts.aggregation {
            Some(aggregation) => {
                let changes = changes(engine, experiment, train, round, &clients)?;
                let loss = changes.iter().map(|c| c.loss).sum::<f64>() / changes.len().max(1) as f64;
                (aggregation.join(round, &changes), loss)
            }
            None => {
                let loss = train_delta(engine, experiment, train, round, &shares(experiment, &clients))?;
                (engine.step_values()?, loss)
            }
        };
        let server_lr = experiment.config.warmup.server_lr;
        match (parts.optimizer, &self.optimizer) {
            (Some(optimizer), _) => engine.add(&optimizer.step(&direction, server_lr))?,
            (None, Some(optimizer)) => {
                engine.set_step(&direction)?;
                engine.advance(optimizer, server_lr, u64::from(round) + 1)?
            }
            (None, None) => {
                let rate = server_lr as f32;
                engine.add(&direction.iter().map(|change| rate * change).collect::<Vec<_>>())?
            }
        };
        Ok(WarmupRound { clients, train_loss, scaled: engine.end_scaled_round() })
    }

    /// Runs round `round`: every client that takes part trains for its local epochs, the server joins their weights by data size.
    ///
    /// # Errors
    /// The engine's.
    pub fn round(
        &self,
        engine: &mut Engine,
        experiment: &Experiment,
        train: &Samples,
        round: u32,
    ) -> Result<WarmupRound, EngineError> {
        let clients = clients(experiment, round);
        if let Some(narrow) = &experiment.narrow {
            let train_loss = heterofl::round(engine, experiment, narrow, train, round, &clients)?;
            return Ok(WarmupRound { clients, train_loss, scaled: engine.end_scaled_round() });
        }
        let local = Local::of(experiment, round, &shares(experiment, &clients));
        let server_lr = experiment.config.warmup.server_lr;
        let train_loss = match &self.optimizer {
            None => local.run(|work, step| engine.train_average(train, work, step, server_lr as f32))?,
            Some(optimizer) => {
                let loss = local.run(|work, step| engine.train_delta(train, work, step))?;
                engine.advance(optimizer, server_lr, u64::from(round) + 1)?;
                loss
            }
        };
        Ok(WarmupRound { clients, train_loss, scaled: engine.end_scaled_round() })
    }
}

/// Parts of a warm-up round that a caller has written ([`super::federation`]).
#[derive(Default)]
pub struct Parts<'a> {
    /// Joins clients' changes; none: their mean by data size.
    pub aggregation: Option<&'a mut dyn Aggregation>,
    /// Makes the server's step; none: that of `warmup.algorithm`.
    pub optimizer: Option<&'a mut dyn HostOptimizer>,
}

/// Each client's share in the samples of all.
fn shares(experiment: &Experiment, clients: &[u32]) -> Vec<(u32, f64)> {
    let held = |client: u32| experiment.split.clients[client as usize].len();
    let total: usize = clients.iter().map(|&client| held(client)).sum();
    clients.iter().map(|&client| (client, held(client) as f64 / total as f64)).collect()
}

/// Each client's change, one after the other.
fn changes(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    round: u32,
    clients: &[u32],
) -> Result<Vec<ClientChange>, EngineError> {
    let mut change = |&client: &u32| {
        let loss = train_delta(engine, experiment, train, round, &[(client, 1.0)])?;
        let samples = experiment.split.clients[client as usize].len();
        Ok(ClientChange { client, samples, loss, change: engine.step_values()? })
    };
    clients.iter().map(&mut change).collect()
}

/// What the server does with the mean change; `None`: the mean of the weights itself.
pub(super) fn optimizer(warmup: &WarmupConfig) -> Option<ServerOptimizer> {
    match warmup.algorithm {
        WarmupAlgorithm::FedAvgM => Some(ServerOptimizer::Momentum { beta: warmup.server_momentum }),
        WarmupAlgorithm::FedAdam => Some(ServerOptimizer::Adam {
            beta1: warmup.server_beta1,
            beta2: warmup.server_beta2,
            epsilon: warmup.server_epsilon,
            bias_correction: warmup.server_bias_correction,
        }),
        WarmupAlgorithm::FedAvg | WarmupAlgorithm::FedProx | WarmupAlgorithm::HeteroFl => None,
    }
}

/// Has clients, each with its share, train from the weights as in the warm-up; the engine's step is then the sum of share times change.
/// Returns the mean loss over all local steps.
///
/// # Errors
/// The engine's.
pub fn train_delta(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    round: u32,
    clients: &[(u32, f64)],
) -> Result<f64, EngineError> {
    Local::of(experiment, round, clients).run(|work, step| engine.train_delta(train, work, step))
}

/// The local epochs of a round.
pub(super) struct Local<'a> {
    experiment: &'a Experiment,
    round: u32,
    clients: Vec<u32>,
    work: Vec<TrainClient>,
}

impl<'a> Local<'a> {
    /// Of clients, each with its share in what the server makes of them.
    pub fn of(experiment: &'a Experiment, round: u32, clients: &[(u32, f64)]) -> Self {
        let (config, split) = (&experiment.config, &experiment.split);
        let (epochs, batch) = (config.warmup.local_epochs, config.warmup.batch);
        let client = |&(client, share): &(u32, f64)| {
            let samples = &split.clients[client as usize];
            let batches = schedule::local_batches(samples, epochs, batch, config.seeds.shuffle, round, client);
            TrainClient { batches, share: share as f32 }
        };
        let work = clients.iter().map(client).collect();
        Self { experiment, round, clients: clients.iter().map(|(client, _)| *client).collect(), work }
    }

    /// Hands the work and its step to the engine.
    pub fn run<T>(&self, train: impl FnOnce(&[TrainClient], &ClientStep<'_>) -> T) -> T {
        let moves = |place: usize, batch: usize| self.moves(place, batch);
        let augmented = self.experiment.config.data.augment == Augment::Cifar;
        let masks = |place: usize, batch: usize| self.masks(place, batch);
        let drops = self.experiment.graph.has_dropout();
        let step = client_step(&self.experiment.config.warmup, self.round);
        train(&self.work, &ClientStep { moves: augmented.then_some(&moves), masks: drops.then_some(&masks), ..step })
    }

    /// The seed of the masks that dropouts draw for a batch of the client at `place` (docs/random.md).
    fn masks(&self, place: usize, batch: usize) -> u64 {
        let (round, client) = (self.round, self.clients[place]);
        derive(self.experiment.config.seeds.shuffle, &format!("dropout/{round}/{client}/{batch}"))
    }

    /// How the images of a batch of the client at `place` are moved.
    fn moves(&self, place: usize, batch: usize) -> Moves {
        let (seed, client) = (self.experiment.config.seeds.shuffle, self.clients[place]);
        let rows = self.work[place].batches[batch].len();
        let [_, _, width] = self.experiment.data.shape;
        augment::moves(seed, self.round, client, batch, rows, width)
    }
}

/// A client's step in a round, before its images are moved.
fn client_step(warmup: &WarmupConfig, round: u32) -> ClientStep<'static> {
    let pull = if warmup.algorithm == WarmupAlgorithm::FedProx { warmup.proximal_mu } else { 0.0 };
    ClientStep {
        lr: (warmup.client_lr * power(warmup.client_lr_decay, round.into())) as f32,
        momentum: warmup.momentum as f32,
        weight_decay: warmup.weight_decay as f32,
        proximal_mu: pull as f32,
        clip_norm: warmup.clip_norm as f32,
        moves: None,
        masks: None,
    }
}
