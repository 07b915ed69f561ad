//! What a zeroth-order round asks of whom: pure functions of the config's seeds and the round's number.

use std::collections::HashSet;

use crate::config::ZoConfig;
use crate::engine::ProbeClient;
use crate::fed::experiment::Experiment;
use crate::fed::schedule;
use crate::ledger::EVERYONE;
use crate::rng::{host, pool_index, pool_seed, probe_seed};

/// A seed that is tried, and its index in the pool where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The seed.
    pub seed: u64,
    /// Its index.
    pub k: Option<u32>,
}

/// A client that probes.
#[derive(Clone, Debug)]
pub struct Prober {
    /// Its number.
    pub client: u32,
    /// Its samples' share in those of all clients of the round.
    pub share: f64,
    /// The samples of each of its steps.
    pub batches: Vec<Vec<u32>>,
    /// Its seeds, step after step.
    pub draws: Vec<Draw>,
    seeds: Vec<u64>,
}

impl Prober {
    /// Samples and seeds of a step.
    pub fn step(&self, step: usize) -> ProbeClient<'_> {
        let probes = self.seeds.len() / self.batches.len().max(1);
        ProbeClient { indices: &self.batches[step], seeds: &self.seeds[step * probes..][..probes] }
    }

    /// Samples and seeds of each step.
    pub fn steps(&self) -> Vec<ProbeClient<'_>> {
        (0..self.batches.len()).map(|step| self.step(step)).collect()
    }
}

/// A round.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Absolute.
    pub round: u32,
    /// Clients that probe, ascending.
    pub probers: Vec<Prober>,
    /// Clients that go on with backprop, ascending: number and share.
    pub trainers: Vec<(u32, f64)>,
}

impl Plan {
    /// Of round `round` (absolute).
    pub fn of(experiment: &Experiment, round: u32) -> Self {
        let (config, split) = (&experiment.config, &experiment.split);
        let (probing, training) = clients(experiment, round);
        let size = |&c: &u32| split.clients[c as usize].len();
        let total: usize = probing.iter().chain(&training).map(size).sum();
        let share = |c: &u32| size(c) as f64 / total as f64;
        let prober = |&client: &u32| {
            let batches = batches(&config.zo, &split.clients[client as usize], config.seeds.shuffle, round, client);
            let draws = draws(&config.zo, config.seeds.probes, round, client);
            let seeds = draws.iter().map(|draw| draw.seed).collect();
            Prober { client, share: share(&client), batches, draws, seeds }
        };
        let trainers = training.iter().map(|c| (*c, share(c))).collect();
        Self { round, probers: probing.iter().map(prober).collect(), trainers }
    }

    /// Different seeds that the round tries.
    pub fn distinct_seeds(&self) -> usize {
        self.probers.iter().flat_map(|p| &p.seeds).collect::<HashSet<_>>().len()
    }

    /// All clients that take part, ascending.
    pub fn clients(&self) -> Vec<u32> {
        let trainers = self.trainers.iter().map(|(client, _)| *client);
        let mut all: Vec<u32> = self.probers.iter().map(|p| p.client).chain(trainers).collect();
        all.sort_unstable();
        all
    }
}

/// The clients that probe in round `round`, and those that go on with backprop, of those sampled the ones that don't drop out; each
/// ascending.
pub fn clients(experiment: &Experiment, round: u32) -> (Vec<u32>, Vec<u32>) {
    if let Some(given) = experiment.given.get(&round) {
        let mixed = experiment.config.zo.participants.is_mixed();
        return given.iter().partition(|client| !(mixed && experiment.split.high[**client as usize]));
    }
    let (probing, training) = sampled(experiment, round);
    (experiment.present(probing, round), experiment.present(training, round))
}

/// The clients that are sampled for round `round`, as [`clients`] has them.
pub fn sampled(experiment: &Experiment, round: u32) -> (Vec<u32>, Vec<u32>) {
    let (config, split, zo) = (&experiment.config, &experiment.split, &experiment.config.zo);
    let sampling = config.seeds.sampling;
    let probing = schedule::zo_clients(split, zo.participants, zo.participation, sampling, round);
    let training = if zo.participants.is_mixed() {
        schedule::training_clients(split, zo.participation, sampling, round)
    } else {
        Vec::new()
    };
    (probing, training)
}

/// A client's seeds in a round: probe `p` of all its steps is `step * S + s`.
fn draws(zo: &ZoConfig, run_seed: u64, round: u32, client: u32) -> Vec<Draw> {
    let client = if zo.shared_seeds { EVERYONE } else { client };
    let draw = |p: u32| match zo.seed_pool {
        0 => Draw { seed: probe_seed(run_seed, round, client, p), k: None },
        size => {
            let k = pool_index(run_seed, round, client, p, size);
            Draw { seed: pool_seed(run_seed, k), k: Some(k) }
        }
    };
    (0..zo.local_steps * zo.probes).map(draw).collect()
}

/// The samples of each of a client's steps. A single step on all of them takes them as they stand; else they are shuffled and cut: into
/// batches of `zo.batch`, going on into another shuffle, or into as many nearly equal parts as there are steps, the longer ones first.
fn batches(zo: &ZoConfig, indices: &[u32], shuffle_seed: u64, round: u32, client: u32) -> Vec<Vec<u32>> {
    let steps = zo.local_steps as usize;
    if steps == 1 && zo.batch == 0 {
        return vec![indices.to_vec()];
    }
    let shuffled = |epoch: usize| {
        let mut order = indices.to_vec();
        host::shuffle(&mut host::pcg(shuffle_seed, &format!("zo/{round}/{client}/{epoch}")), &mut order);
        order
    };
    if zo.batch == 0 {
        let (order, n) = (shuffled(0), indices.len());
        let mut rest = &order[..];
        let sizes = (0..steps).map(|step| n / steps + usize::from(step < n % steps));
        return sizes
            .map(|size| {
                let (part, others) = rest.split_at(size);
                rest = others;
                part.to_vec()
            })
            .collect();
    }
    let endless = (0..).flat_map(shuffled);
    let wanted = steps * zo.batch as usize;
    let all: Vec<u32> = if indices.is_empty() { Vec::new() } else { endless.take(wanted).collect() };
    all.chunks(zo.batch as usize).map(<[u32]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn zo(sets: &[&str]) -> ZoConfig {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::load(None, &sets).unwrap().zo
    }

    #[test]
    fn steps_take_parts_or_batches_of_a_shuffle() {
        let indices: Vec<u32> = (10..21).collect();
        assert_eq!(batches(&zo(&[]), &indices, 1, 2, 3), std::slice::from_ref(&indices));
        let parts = batches(&zo(&["zo.local_steps=4"]), &indices, 1, 2, 3);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 2]);
        let mut all = parts.concat();
        assert_ne!(all, indices);
        all.sort_unstable();
        assert_eq!(all, indices);
        assert_ne!(parts, batches(&zo(&["zo.local_steps=4"]), &indices, 1, 3, 3));
        // Two and a half times through the samples: each of the first two times every one of them.
        let cut = batches(&zo(&["zo.local_steps=3", "zo.batch=9"]), &indices, 1, 2, 3);
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [9, 9, 9]);
        let flat = cut.concat();
        for epoch in flat.chunks_exact(11) {
            let mut epoch = epoch.to_vec();
            epoch.sort_unstable();
            assert_eq!(epoch, indices);
        }
        assert_ne!(flat[..11], flat[11..22]);
    }

    #[test]
    fn shared_seeds_are_those_of_everyone_and_pools_repeat() {
        let own = draws(&zo(&[]), 9, 4, 1);
        assert_eq!(own, (0..3).map(|p| Draw { seed: probe_seed(9, 4, 1, p), k: None }).collect::<Vec<_>>());
        let shared = zo(&["zo.shared_seeds=true", "zo.local_steps=2"]);
        assert_eq!(draws(&shared, 9, 4, 1), draws(&shared, 9, 4, 2));
        assert_eq!(draws(&shared, 9, 4, 1)[5].seed, probe_seed(9, 4, u32::MAX, 5));
        let pool = draws(&zo(&["zo.seed_pool=2", "zo.probes=40"]), 9, 4, 1);
        assert!(pool.iter().all(|d| d.seed == pool_seed(9, d.k.unwrap()) && d.k < Some(2)));
        assert!((10..30).contains(&pool.iter().filter(|d| d.k == Some(0)).count()));
    }
}
