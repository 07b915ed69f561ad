//! Clients that sat rounds out, and what they are sent when they return (methods.md, Absent clients).

use super::plan::clients;
use crate::config::ZoConfig;
use crate::fed::experiment::Experiment;

/// What each client lacks of the rounds so far: a pure function of the config, gone through round by round.
#[derive(Clone, Debug, Default)]
pub struct Absences {
    /// Rounds of the phase gone through.
    rounds: u32,
    /// Pairs that each client missed.
    pairs: Vec<u64>,
    /// Whether a client missed what others sent as weights.
    dense: Vec<bool>,
}

impl Absences {
    /// Bytes that the clients of round `round` (absolute) are sent for the rounds that they missed; `12 m` for m pairs, or all weights where
    /// that is less.
    pub fn catchup_bytes(&mut self, experiment: &Experiment, round: u32) -> u64 {
        let first = experiment.config.warmup.rounds;
        while first + self.rounds < round {
            let next = first + self.rounds;
            self.pass(experiment, next);
        }
        self.pass(experiment, round)
    }

    /// Goes through a round: what its clients are sent, and what the others lack from then on.
    fn pass(&mut self, experiment: &Experiment, round: u32) -> u64 {
        let all = experiment.split.clients.len();
        self.pairs.resize(all, 0);
        self.dense.resize(all, false);
        self.rounds += 1;
        let (probing, training) = clients(experiment, round);
        let weights = 4 * experiment.graph.param_count() as u64;
        let mut here = vec![false; all];
        probing.iter().chain(&training).for_each(|&c| here[c as usize] = true);
        let pairs = pairs(&experiment.config.zo, probing.len());
        let mut bytes = 0;
        for (client, here) in here.into_iter().enumerate() {
            if here {
                bytes += if self.dense[client] { weights } else { (12 * self.pairs[client]).min(weights) };
                (self.pairs[client], self.dense[client]) = (0, false);
            } else {
                self.pairs[client] += pairs;
                self.dense[client] |= !training.is_empty();
            }
        }
        bytes
    }
}

/// (seed, number) pairs of a round of so many clients that probe; those of shared seeds are one client's.
fn pairs(zo: &ZoConfig, clients: usize) -> u64 {
    let sets = if zo.shared_seeds { clients.min(1) } else { clients };
    u64::from(zo.local_steps) * u64::from(zo.probes) * sets as u64
}
