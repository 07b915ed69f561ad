//! A ZO round: every client that takes part probes the weights along its seeds, the server replays all seeds.

use super::experiment::Experiment;
use super::folder::PIVOT;
use super::schedule;
use crate::config::{NormStatistics, ZoRate};
use crate::device::Device;
use crate::engine::{Engine, EngineError, ProbeClient, ProbeResult, ProbeSettings, Samples, ZoPhase, check_zo_phase};
use crate::ledger::{Entry, FORMAT, Header, Optimizer, Round, VERSION};
use crate::rng::probe_seed;
use crate::rule::{Rule, Server};

/// What a ZO round reports.
#[derive(Clone, Debug)]
pub struct ZoRound {
    /// The ledger's line.
    pub ledger: Round,
    /// Clients that took part, ascending.
    pub clients: Vec<u32>,
    /// Mean over probes of (L+ + L-)/2, before the update; over those that are not null.
    pub train_loss: f64,
    /// Root mean square of dl over the probes that are not null.
    pub dl_rms: f64,
    /// Share of exact zeros among them.
    pub dl_zero: f64,
    /// Null probes.
    pub dropped: u32,
    /// The weights after the round are all finite.
    pub finite: bool,
}

/// How a config perturbs.
pub fn settings(experiment: &Experiment) -> ProbeSettings {
    let zo = &experiment.config.zo;
    let batch_statistics = norm_statistics(experiment) == NormStatistics::Refreshed;
    ProbeSettings { distribution: zo.distribution, tau: zo.tau, epsilon: zo.epsilon, batch_statistics }
}

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

/// Refuses zeroth-order rounds that don't fit the device, before the first round.
pub fn check(experiment: &Experiment, device: &dyn Device) -> Result<(), EngineError> {
    let (config, zo) = (&experiment.config, &experiment.config.zo);
    if zo.rounds == 0 {
        return Ok(());
    }
    let split = &experiment.split;
    let eligible = schedule::zo_clients(split, zo.participants, 1.0, config.seeds.sampling, 0);
    let sizes = |clients: &[u32]| clients.iter().map(|&c| split.clients[c as usize].len()).collect::<Vec<usize>>();
    let statistics = match norm_statistics(experiment) {
        NormStatistics::Frozen => Vec::new(),
        NormStatistics::Recomputed => sizes(&schedule::clients_with_samples(split)),
        NormStatistics::Refreshed => sizes(&eligible),
    };
    let mut largest = sizes(&eligible);
    largest.sort_unstable_by(|a, b| b.cmp(a));
    largest.truncate(clients(experiment, config.warmup.rounds).len());
    let settings = settings(experiment);
    let phase = ZoPhase { clients: &largest, probes: zo.probes, settings, statistics: &statistics };
    check_zo_phase(device, &experiment.graph, &[&experiment.train_set(), &experiment.test_set()], &phase)
}

/// The clients that take part in round `round`.
pub fn clients(experiment: &Experiment, round: u32) -> Vec<u32> {
    let (config, zo) = (&experiment.config, &experiment.config.zo);
    schedule::zo_clients(&experiment.split, zo.participants, zo.participation, config.seeds.sampling, round)
}

/// The header of an experiment's ledger, whose base has this SHA-256.
pub fn header(experiment: &Experiment, base_sha256: &str) -> Header {
    let zo = &experiment.config.zo;
    let exact = zo.distribution.is_exact();
    let refreshed = norm_statistics(experiment) == NormStatistics::Refreshed;
    Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        model: experiment.model.clone(),
        params: experiment.graph.param_count() as u64,
        distribution: zo.distribution,
        tau: zo.tau,
        epsilon: zo.epsilon,
        exact,
        optimizer: (!exact).then_some(Optimizer::Sgd {}),
        base: PIVOT.to_owned(),
        base_sha256: base_sha256.to_owned(),
        run_seed: experiment.config.seeds.probes,
        seed_pool: None,
        norm_statistics: refreshed.then(|| NormStatistics::Refreshed.name().to_owned()),
    }
}

/// A server that applies an experiment's rounds, from its pivot on.
pub fn server(experiment: &Experiment) -> Server {
    let zo = &experiment.config.zo;
    Server::new(Rule {
        distribution: zo.distribution,
        tau: zo.tau,
        epsilon: zo.epsilon,
        params: experiment.graph.param_count(),
        exact: zo.distribution.is_exact(),
    })
}

/// Runs round `round` (absolute) and has the server apply it.
pub fn round(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    server: &mut Server,
    round: u32,
) -> Result<ZoRound, EngineError> {
    let (config, split) = (&experiment.config, &experiment.split);
    let zo = &config.zo;
    let clients = clients(experiment, round);
    let seeds: Vec<Vec<u64>> = clients
        .iter()
        .map(|&c| (0..zo.probes).map(|p| probe_seed(config.seeds.probes, round, c, p)).collect())
        .collect();
    let work: Vec<ProbeClient<'_>> = clients
        .iter()
        .zip(&seeds)
        .map(|(&c, seeds)| ProbeClient { indices: &split.clients[c as usize], seeds })
        .collect();
    let settings = settings(experiment);
    let results = engine.probe(train, &work, &settings)?;
    let total: usize = work.iter().map(|c| c.indices.len()).sum();
    let mut probes = Vec::with_capacity(results.len());
    for (client, seeds) in clients.iter().zip(&seeds) {
        let share = split.clients[*client as usize].len() as f64 / total as f64;
        for &seed in seeds {
            let dl = results.get(probes.len()).map(|r| r.dl).filter(|dl| dl.is_finite());
            let weight = share / f64::from(zo.probes);
            probes.push(Entry { client: *client, step: None, k: None, seed, weight, dl, q: None });
        }
    }
    let lr = match zo.lr {
        ZoRate::Fixed(lr) => lr,
        ZoRate::Auto => return Err(EngineError::State { name: "lr".into(), why: "auto".into() }),
    };
    let lr = lr * zo.lr_decay.powi((round - config.warmup.rounds) as i32);
    let mut ledger = Round { round, lr, scale_exp: None, skipped: false, probes, fingerprint: 0 };
    let after = server.advance(engine, &mut ledger)?;
    if settings.batch_statistics && after.finite {
        take_statistics(engine, experiment, train, &clients)?;
    }
    Ok(report(ledger, after.finite, clients, &results))
}

fn report(ledger: Round, finite: bool, clients: Vec<u32>, results: &[ProbeResult]) -> ZoRound {
    let valid: Vec<&ProbeResult> = results.iter().filter(|r| r.dl.is_finite()).collect();
    let n = valid.len().max(1) as f64;
    let mean = |value: &dyn Fn(&ProbeResult) -> f64| valid.iter().map(|r| value(r)).sum::<f64>() / n;
    ZoRound {
        train_loss: if valid.is_empty() { f64::NAN } else { mean(&|r| f64::from(r.loss)) },
        dl_rms: mean(&|r| f64::from(r.dl).powi(2)).sqrt(),
        dl_zero: mean(&|r| f64::from(u8::from(r.dl == 0.0))),
        dropped: (results.len() - valid.len()) as u32,
        ledger,
        clients,
        finite,
    }
}
