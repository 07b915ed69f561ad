//! Bringing an interrupted run back to its last whole round: weights from the checkpoint or from the ledger, progress from the
//! metrics. What is read is what the run wrote, or is refused; a damaged last line of a log is dropped, and its round done again.

use super::super::base;
use super::super::error::FedError;
use super::super::figures::Figures;
use super::super::folder::checkpoint::Checkpoint;
use super::super::folder::manifest::{AdapterRecord, PivotRecord};
use super::super::folder::moments;
use super::super::folder::rounds_log::RoundsLog;
use super::super::folder::{FolderError, LEDGER, Lines, METRICS, PIVOT, ROUNDS, good, parse_metrics};
use super::super::metrics::Phase;
use super::super::progress::Progress;
use super::super::zo::ZoPhase;
use super::super::{dense, schedule, zo};
use super::running::Run;
use crate::config::NormStatistics;
use crate::engine::{LossScale, NamedValues, State};
use crate::ledger::{Header, Ledger, Round};
use crate::weights;

/// What a folder holds of an interrupted run, checked.
struct Found {
    /// Lines of `metrics.jsonl` that are those written.
    metrics: usize,
    /// The bytes of that file.
    bytes: Vec<u8>,
}

impl Run<'_> {
    /// Sets the engine, files and progress to the state after the last whole round.
    pub(super) fn recover(&mut self) -> Result<(), FedError> {
        let found = self.read_metrics()?;
        let warmup = self.experiment.config.warmup.rounds as usize;
        let checkpoint = Checkpoint::load(&self.folder)?;
        let (next, bytes) = if self.folder.path(LEDGER).exists() {
            let last = checkpoint.as_ref().filter(|c| c.next_round as usize == warmup);
            let (bytes, metrics) = self.restored(found, warmup, last)?;
            let rounds = self.read_ledger(metrics - warmup)?;
            self.return_to(rounds as u32)?;
            (warmup + rounds, bytes)
        } else if let Some(checkpoint) = checkpoint {
            let next = checkpoint.next_round as usize;
            let (bytes, _) = self.restored(found, next, Some(&checkpoint))?;
            let weights = checkpoint.weights(&self.folder)?;
            let from = checkpoint.weights_path(&self.folder);
            let values = weights::decode(&from, &weights, &self.experiment.graph.tensors)?.values;
            self.engine.set_weights(&values)?;
            self.restore_moments(&checkpoint, values)?;
            (next, bytes)
        } else {
            (0, Vec::new())
        };
        self.keep(next, &bytes)
    }

    /// Gives the warm-up's server what it keeps beside the weights: moments, and the scale of losses.
    fn restore_moments(&mut self, checkpoint: &Checkpoint, weights: Vec<f32>) -> Result<(), FedError> {
        let (had, has) = (checkpoint.line.loss_scale.is_some(), self.engine.loss_scale().is_some());
        let kept = self.warmup.kept(&self.engine, had);
        // A fork begins behind the warm-up, whose server it needs no more.
        let forked = self.manifest.fork.is_some() && checkpoint.moments.is_none();
        if kept.is_empty() || forked {
            return Ok(());
        }
        let (path, bytes) = checkpoint.moments(&self.folder)?;
        let mut saved = vec![NamedValues { name: State::WEIGHTS.to_owned(), values: weights }];
        saved.extend(moments::decode(&path, &bytes, &kept)?);
        // Another device may have no use for the scale, or begin with one.
        saved.retain(|vector| has || vector.name != LossScale::NAME);
        self.engine.restore(&saved)?;
        if has && !had {
            self.engine.restart_scale();
        }
        Ok(())
    }

    /// The metrics' bytes and how many of its lines count, at least `needed`: the checkpoint has the last one where the file lost it.
    fn restored(
        &mut self,
        found: Found,
        needed: usize,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<(Vec<u8>, usize), FedError> {
        if found.metrics >= needed {
            return Ok((found.bytes, found.metrics));
        }
        let noted = self.log.rounds().len();
        let (path, message) = if noted < needed.saturating_sub(1) {
            (self.folder.path(ROUNDS), format!("expected at least {needed} whole lines, found {noted}"))
        } else {
            let message = format!("expected at least {needed} whole lines to go on from, found {}", found.metrics);
            (self.folder.path(METRICS), message)
        };
        match checkpoint {
            Some(checkpoint) if found.metrics + 1 == needed => {
                let mut bytes: Vec<u8> =
                    Lines::of(&found.bytes).complete[..found.metrics].iter().flat_map(|l| l.to_vec()).collect();
                self.folder.write(METRICS, &bytes)?;
                self.log.keep(found.metrics)?;
                let line = self.folder.append_metrics(&checkpoint.line)?;
                self.log.append(&line, None)?;
                bytes.extend(line);
                Ok((bytes, needed))
            }
            _ => Err(FolderError::Malformed { path, message }.into()),
        }
    }

    /// Reads the digests and the metrics.
    fn read_metrics(&mut self) -> Result<Found, FedError> {
        let (log, damaged) = RoundsLog::read(&self.folder)?;
        self.log = log;
        if damaged {
            self.dropped(ROUNDS);
        }
        let bytes = self.folder.read(METRICS)?.unwrap_or_default();
        let lines = Lines::of(&bytes);
        let digests = self.log.rounds().iter().map(|round| round.metrics.as_str());
        let metrics = good(&self.folder.path(METRICS), &lines.complete, 1, digests)?;
        if lines.torn || metrics < lines.complete.len() {
            self.dropped(METRICS);
        }
        Ok(Found { metrics, bytes })
    }

    /// Reads the ledger, cuts off what doesn't count, and tells how many rounds do, of those that the metrics have.
    fn read_ledger(&mut self, measured: usize) -> Result<usize, FedError> {
        let path = self.folder.path(LEDGER);
        let bytes = self.folder.read(LEDGER)?.unwrap_or_default();
        let lines = Lines::of(&bytes);
        let [head, rounds @ ..] = &lines.complete[..] else {
            // Names what is wrong with it.
            return Ok(Ledger::parse(&path, &bytes)?.rounds.len());
        };
        let header = Ledger::parse(&path, head)?.header;
        let Some(pivot) = &self.manifest.pivot else {
            let message = "line 1: the run's manifest knows no pivot".to_owned();
            return Err(FolderError::Malformed { path, message }.into());
        };
        let expected = zo::header(&self.experiment, &pivot.sha256, pivot.dl_error);
        if header != expected {
            let (what, expected, found) = difference(&expected, &header);
            return Err(FolderError::Differs { path, what: format!("line 1: {what}"), expected, found }.into());
        }
        let warmup = self.experiment.config.warmup.rounds as usize;
        let noted = self.log.rounds().get(warmup..).unwrap_or_default();
        let whole = good(&path, rounds, 2, noted.iter().filter_map(|round| round.ledger.as_deref()))?;
        let count = whole.min(measured);
        if lines.torn || count < rounds.len() {
            self.dropped(LEDGER);
            let kept: Vec<u8> = lines.complete[..=count].iter().flat_map(|line| line.to_vec()).collect();
            self.folder.write(LEDGER, &kept)?;
        }
        Ok(count)
    }

    fn dropped(&mut self, name: &str) {
        let path = self.folder.path(name);
        self.observer
            .note(&format!("{}: what follows the last whole round is left out, and done again", path.display()));
    }

    /// Sets the weights to those after the first `rounds` rounds of the folder's ledger, each checked against its fingerprint.
    pub(super) fn return_to(&mut self, rounds: u32) -> Result<(), FedError> {
        let path = self.folder.path(LEDGER);
        let ledger = Ledger::read(&path)?;
        let base = base::load(&self.folder.path(PIVOT), &path, &ledger.header, &self.experiment.graph.tensors)?;
        self.engine.set_weights(&base.values)?;
        self.zo = ZoPhase::new(&self.experiment);
        self.zo.begin(&mut self.engine)?;
        let now = AdapterRecord::of(self.engine.device().info(), 0);
        let same_adapter = self.manifest.one_adapter(&now);
        let kept = &ledger.rounds[..(rounds as usize).min(ledger.rounds.len())];
        for round in kept {
            let dense = dense::read(&path, &self.experiment.graph.tensors, round)?;
            let replayed = self.zo.server.replay(&mut self.engine, round, dense.as_deref(), same_adapter);
            replayed.map_err(|source| FedError::Rule { path: path.clone(), source: Box::new(source) })?;
            self.zo.applied(&mut self.engine)?;
        }
        self.refresh(kept.last())
    }

    /// Running statistics that rounds refresh are not in the ledger: they follow from the weights and the clients of the last round.
    fn refresh(&mut self, last: Option<&Round>) -> Result<(), FedError> {
        match last {
            Some(round) if zo::norm_statistics(&self.experiment) == NormStatistics::Refreshed => {
                let (clients, _) = zo::clients(&self.experiment, round.round);
                Ok(zo::take_statistics(&mut self.engine, &self.experiment, &self.train, &clients)?)
            }
            _ => Ok(()),
        }
    }

    /// Cuts the metrics back to the rounds before `next`, and follows them.
    fn keep(&mut self, next: usize, bytes: &[u8]) -> Result<(), FedError> {
        let path = self.folder.path(METRICS);
        let lines = Lines::of(bytes);
        let kept = lines.complete.get(..next).unwrap_or_default();
        let metrics = parse_metrics(&path, kept)?;
        self.folder.write(METRICS, &kept.concat())?;
        self.log.keep(next)?;
        let (warmup, total) = self.round_counts();
        self.progress = Progress::of(&self.experiment);
        if let Some(guessed) = &self.manifest.normalisation.guessed {
            self.progress.watch.add(guessed.clone());
        }
        let pivot = self.manifest.pivot.clone().filter(|_| self.folder.path(LEDGER).exists());
        if warmup == 0 {
            self.note_pivot(pivot.as_ref(), warmup);
        }
        for line in &metrics {
            let evaluated = schedule::evaluates(line.round, warmup, total, self.experiment.config.eval.every);
            self.progress.follow(line, evaluated);
            if line.phase == Phase::Zo {
                self.zo.follow(line.train_loss);
            }
            if line.round + 1 == warmup {
                self.note_pivot(pivot.as_ref(), warmup);
            }
        }
        Ok(())
    }

    fn note_pivot(&mut self, pivot: Option<&PivotRecord>, warmup: u32) {
        if let Some(pivot) = pivot {
            let PivotRecord { loss, accuracy, groups, .. } = *pivot;
            self.progress.set_pivot(Figures { loss, accuracy, groups }, warmup);
        }
    }
}

/// The first field in which two headers differ: its name, and both values.
fn difference(expected: &Header, found: &Header) -> (String, String, String) {
    let fields = |header: &Header| serde_json::to_value(header).unwrap_or_default();
    let (expected, found) = (fields(expected), fields(found));
    let names = [&expected, &found].into_iter().filter_map(|v| v.as_object()).flat_map(|o| o.keys());
    let text = |value: Option<&serde_json::Value>| value.map_or_else(|| "none".to_owned(), ToString::to_string);
    for name in names {
        let (a, b) = (expected.get(name), found.get(name));
        if a != b {
            return (name.clone(), text(a), text(b));
        }
    }
    // Numbers that JSON writes alike.
    ("header".to_owned(), text(Some(&expected)), text(Some(&found)))
}
