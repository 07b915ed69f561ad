//! What a run takes on disk, and whether there is room for it.

use std::path::Path;

use super::error::FedError;
use super::experiment::Experiment;
use super::{warmup, zo};
use crate::engine::ServerOptimizer;
use crate::model::ParamTensor;

/// Bytes of a line of `metrics.jsonl` with its digests, of one class in it, of a pair in the ledger, of a sample in `split.json`: a little
/// more than such take.
const ROUND: u64 = 850;
const CLASS: u64 = 24;
const PAIR: u64 = 112;
const SAMPLE: u64 = 8;

/// Bytes that a run's folder takes once it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Weights, moments and their checkpoint.
    pub weights: u64,
    /// What clients that go on with backprop add in zeroth-order rounds.
    pub dense: u64,
    /// Lines of all rounds, and the partition.
    pub logs: u64,
}

impl Needed {
    /// All of it.
    pub fn all(&self) -> u64 {
        self.weights.saturating_add(self.dense).saturating_add(self.logs)
    }
}

/// What the rounds of an experiment from `next` (absolute) on will take.
pub fn needed(experiment: &Experiment, next: u32) -> Needed {
    let config = &experiment.config;
    let (first, last) = (config.warmup.rounds, config.warmup.rounds.saturating_add(config.zo.rounds));
    let (rounds, zo_rounds) = (last.saturating_sub(next), last.saturating_sub(next.max(first)));
    let file = file(&experiment.graph.tensors);
    let moments = warmup::optimizer(&config.warmup).map_or(0, |optimizer: ServerOptimizer| optimizer.moments().len());
    // Start, pivot and end; a checkpoint, and the next one while it is written.
    let checkpoint = if first > 0 { 2 * (1 + moments as u64) } else { 0 };
    let weights = (3 + u64::from(config.eval.average > 0.0) + checkpoint) * file;
    let mixed = config.zo.participants.is_mixed();
    let classes = if config.eval.groups { CLASS * u64::from(experiment.data.classes) } else { 0 };
    let clients = if zo_rounds > 0 { zo::sampled(experiment, first).0.len() as u64 } else { 0 };
    let senders = if config.zo.shared_seeds { clients.min(1) } else { clients };
    let pairs = senders * u64::from(config.zo.probes) * u64::from(config.zo.local_steps);
    let samples = experiment.split.clients.iter().map(Vec::len).sum::<usize>() + experiment.split.leftover.len();
    Needed {
        weights,
        dense: if mixed { file * u64::from(zo_rounds) } else { 0 },
        logs: (ROUND + classes) * u64::from(rounds) + PAIR * pairs * u64::from(zo_rounds) + SAMPLE * samples as u64,
    }
}

/// Bytes of a file of weights, its header with a line a tensor included.
fn file(tensors: &[ParamTensor]) -> u64 {
    tensors.iter().map(|tensor| 4 * tensor.len as u64 + 128).sum()
}

/// Refuses a run that the file system of `folder` has no room for.
///
/// # Errors
/// Fewer bytes are free, where that can be told.
pub fn check_room(folder: &Path, needed: &Needed) -> Result<(), FedError> {
    let Some(free) = free_bytes(folder).filter(|free| *free < needed.all()) else { return Ok(()) };
    let (place, all) = (folder.display(), needed.all());
    Err(FedError::Refused(match needed.dense {
        0 => format!("{place}: the run will take {all} bytes on disk, {free} are free (--out names another place)"),
        dense => format!(
            "{place}: the run will take {all} bytes on disk, {dense} of them the weights that clients add in zeroth-order rounds, {free} are free (fewer zo.rounds, or zo.participants \"all\" or \"low\", need less)"
        ),
    }))
}

/// Bytes that are free for this user where `folder` lies, or will lie.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let there = std::path::absolute(folder).ok()?;
    let there = there.ancestors().find(|path| path.exists())?.to_owned();
    let system = rustix::fs::statvfs(&there).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Can't be told.
#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_room_is_refused_with_both_figures() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("not/there/yet");
        check_room(&out, &Needed { weights: 1 << 12, dense: 0, logs: 1 << 12 }).unwrap();
        if free_bytes(&out).is_none() {
            return;
        }
        let refused = |needed: &Needed| check_room(&out, needed).unwrap_err().to_string();
        let weights = refused(&Needed { weights: 1 << 62, dense: 0, logs: 7 });
        assert!(weights.contains(&((1u64 << 62) + 7).to_string()) && weights.contains("are free"), "{weights}");
        let dense = refused(&Needed { weights: 0, dense: 1 << 62, logs: 7 });
        assert!(dense.contains("zo.participants") && dense.contains(&(1u64 << 62).to_string()), "{dense}");
    }
}
