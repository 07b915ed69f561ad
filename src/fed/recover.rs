//! Bringing an interrupted run back to its last whole round: weights from the checkpoint or from the ledger, progress from the
//! metrics.

use super::checkpoint::Checkpoint;
use super::experiment::Experiment;
use super::folder::RunFolder;
use super::metrics::{Phase, RoundMetrics};
use super::run::Run;
use super::zo;
use crate::config::NormStatistics;
use crate::engine::{Engine, EngineError, Update};
use crate::error::Error;
use crate::ledger::{Header, Ledger, Round, StepRule};
use crate::weights;

/// Sets a run's engine, files and progress to the state after its last whole round.
pub(super) fn recover(run: &mut Run<'_>) -> Result<(), Error> {
    let warmup = run.experiment.config.warmup.rounds;
    let metrics = run.folder.read_metrics()?;
    let ledger_path = run.folder.path("ledger.jsonl");
    let next = if ledger_path.exists() {
        let ledger = Ledger::read(&ledger_path)?;
        let measured = metrics.len().saturating_sub(warmup as usize);
        let whole = ledger.rounds.len().min(measured);
        replay_ledger(&mut run.engine, &run.experiment, &run.folder, whole)?;
        refresh(run, ledger.rounds.get(whole.wrapping_sub(1)))?;
        warmup + whole as u32
    } else if let Some(checkpoint) = Checkpoint::load(&run.folder)? {
        let bytes = checkpoint.weights(&run.folder)?;
        let from = checkpoint.weights_path(&run.folder);
        run.engine.set_weights(&weights::decode(&from, &bytes, &run.experiment.graph.tensors)?.values)?;
        checkpoint.next_round
    } else {
        0
    };
    run.folder.keep_metrics(next as usize)?;
    run.progress.next = next;
    for line in metrics.iter().take(next as usize) {
        note(run, line, warmup);
    }
    if ledger_path.exists() && warmup == 0 {
        pivot_of_no_warmup(run)?;
    }
    Ok(())
}

/// Running statistics that rounds refresh are not in the ledger: they follow from the weights and the clients of the last round.
fn refresh(run: &mut Run<'_>, last: Option<&Round>) -> Result<(), EngineError> {
    match last {
        Some(round) if zo::norm_statistics(&run.experiment) == NormStatistics::Refreshed => {
            let clients = zo::clients(&run.experiment, round.round);
            zo::take_statistics(&mut run.engine, &run.experiment, &run.train, &clients)
        }
        _ => Ok(()),
    }
}

fn note(run: &mut Run<'_>, line: &RoundMetrics, warmup: u32) {
    let progress = &mut run.progress;
    progress.bytes.0 += line.uplink_bytes;
    progress.bytes.1 += line.downlink_bytes;
    progress.seconds += line.seconds;
    progress.pivot_counted |= line.phase == Phase::Zo;
    if let Some(accuracy) = line.test_accuracy {
        // An evaluation whose loss is null found one that is not finite.
        progress.note(line.round, line.test_loss.unwrap_or(f64::INFINITY), accuracy);
    }
    if line.round + 1 == warmup {
        progress.pivot = progress.last;
    }
    progress.line = Some(line.clone());
}

/// Without a warm-up no line tells the pivot's accuracy: it is measured again, on the pivot's weights.
fn pivot_of_no_warmup(run: &mut Run<'_>) -> Result<(), Error> {
    let now = run.engine.weights()?;
    replay_ledger(&mut run.engine, &run.experiment, &run.folder, 0)?;
    let (best, last) = (run.progress.best, run.progress.last);
    run.progress.best = None;
    run.note_pivot()?;
    let pivot = run.progress.best;
    run.progress.best = match (best, pivot) {
        (Some(b), Some(p)) if b.1 > p.1 => Some(b),
        (_, p) => p,
    };
    run.progress.last = last.or(run.progress.last);
    Ok(run.engine.set_weights(&now)?)
}

/// Sets the engine's weights to those after the first `rounds` rounds of the folder's ledger.
pub(super) fn replay_ledger(
    engine: &mut Engine,
    experiment: &Experiment,
    folder: &RunFolder,
    rounds: usize,
) -> Result<(), Error> {
    engine.set_weights(&weights::load(&folder.path("pivot.safetensors"), &experiment.graph.tensors)?.values)?;
    let ledger = Ledger::read(&folder.path("ledger.jsonl"))?;
    for round in ledger.rounds.iter().take(rounds) {
        replay_round(engine, &ledger.header, round)?;
    }
    Ok(())
}

/// Applies one round of a ledger and returns the fingerprint after it.
pub fn replay_round(engine: &mut Engine, header: &Header, round: &Round) -> Result<u64, EngineError> {
    let seeds: Vec<u64> = round.probes.iter().map(|p| p.seed).collect();
    if let Some(scale_exp) = round.scale_exp {
        if round.skipped {
            return Ok(engine.fingerprint()?.value);
        }
        let q: Vec<i32> = round.probes.iter().map(|p| p.q.unwrap_or(0)).collect();
        return Ok(engine.update(header.distribution, &Update::Exact { seeds: &seeds, q: &q, scale_exp })?.value);
    }
    let (epsilon, tau, scale) = (header.epsilon, header.tau, header.distribution.scale());
    let rule = StepRule { lr: round.lr, epsilon, tau, scale };
    let a = rule.coefficients(round.probes.iter().map(|p| (p.weight, p.dl)));
    let a: Vec<f32> = a.into_iter().map(|a| a as f32).collect();
    Ok(engine.update(header.distribution, &Update::Float { seeds: &seeds, a: &a })?.value)
}
