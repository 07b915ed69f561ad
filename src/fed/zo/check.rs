//! What would make a zeroth-order phase impossible, told before the first round of the run.

use super::{header::settings, norm_statistics, sampled};
use crate::config::{NormStatistics, ZoParticipants};
use crate::device::Device;
use crate::engine::{EngineError, ZoNeeds, check_zo_phase};
use crate::fed::drawn;
use crate::fed::error::FedError;
use crate::fed::experiment::Experiment;
use crate::fed::schedule;

/// Refuses rounds that clients' samples or the device can't carry.
pub fn check(experiment: &Experiment, device: &dyn Device) -> Result<(), FedError> {
    let (config, zo) = (&experiment.config, &experiment.config.zo);
    if zo.rounds == 0 {
        return Ok(());
    }
    let split = &experiment.split;
    let eligible = match zo.participants {
        ZoParticipants::All => schedule::clients_with_samples(split),
        other => schedule::zo_clients(split, other, 1.0, config.seeds.sampling, 0),
    };
    let sizes = |clients: &[u32]| clients.iter().map(|&c| split.clients[c as usize].len()).collect::<Vec<usize>>();
    let steps = zo.local_steps as usize;
    let small = eligible.iter().find(|&&c| split.clients[c as usize].len() < steps);
    if let Some(client) = small.filter(|_| zo.batch == 0 && steps > 1) {
        let held = split.clients[*client as usize].len();
        return Err(FedError::Refused(format!(
            "zo.local_steps = {steps}: expected at most {held}, as client {client} has only {held} samples to cut into parts (zo.batch > 0 makes batches of a fixed size instead)"
        )));
    }
    let (probing, training) = sampled(experiment, config.warmup.rounds);
    drawn::check_steps(experiment, probing.len())?;
    if zo.participants == ZoParticipants::HighFirstOrder {
        drawn::check_epochs(experiment, true, training.len())?;
    }
    let statistics = match norm_statistics(experiment) {
        NormStatistics::Frozen => Vec::new(),
        NormStatistics::Recomputed => sizes(&schedule::clients_with_samples(split)),
        NormStatistics::Refreshed => sizes(&eligible),
    };
    let step = |held: usize| if zo.batch > 0 { zo.batch as usize } else { held.div_ceil(steps) };
    let mut largest: Vec<usize> = sizes(&eligible).into_iter().map(step).collect();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    largest.truncate(probing.len());
    let (settings, rounds) = (settings(experiment), super::ZoPhase::new(experiment));
    let phase = ZoNeeds {
        clients: &largest,
        probes: zo.probes,
        local_steps: zo.local_steps,
        settings,
        optimizer: &rounds.server.rule().optimizer,
        averages: rounds.has_average(),
        statistics: &statistics,
    };
    let sets = [&experiment.train_set(), &experiment.test_set()];
    check_zo_phase(device, &experiment.graph, &sets, &phase).map_err(|e: EngineError| e.into())
}
