//! A run in this process, and its rounds from where it stands.

use super::super::error::FedError;
use super::super::experiment::Experiment;
use super::super::folder::rounds_log::RoundsLog;
use super::super::folder::{self, Manifest, RunFolder};
use super::super::host::Host;
use super::super::metrics::{Phase, RoundMetrics, Summary};
use super::super::observer::{Observer, RunPlan};
use super::super::progress::Progress;
use super::super::warmup::Warmup;
use super::super::zo::ZoPhase;
use super::super::{dense, disk, schedule};
use crate::device::Selection;
use crate::engine::{Engine, Samples};
use crate::ledger::LedgerWriter;

/// A run in this process.
pub(super) struct Run<'a> {
    pub(super) experiment: Experiment,
    pub(super) folder: RunFolder,
    pub(super) manifest: Manifest,
    /// The digests of the rounds' lines.
    pub(super) log: RoundsLog,
    pub(super) engine: Engine,
    pub(super) train: Samples,
    pub(super) test: Samples,
    pub(super) validation: Option<Samples>,
    pub(super) progress: Progress,
    /// The warm-up's server.
    pub(super) warmup: Warmup,
    /// The zeroth-order phase.
    pub(super) zo: ZoPhase,
    pub(super) observer: &'a mut dyn Observer,
}

/// How the rounds ended.
pub(super) enum End {
    Done,
    Diverged(String),
    Interrupted,
}

impl Run<'_> {
    /// Leaves the device to the next run.
    pub(super) fn leave(self, selection: Selection, host: &mut Host) {
        host.keep(selection, self.engine.into_workspace([self.train, self.test].into_iter().chain(self.validation)));
    }

    pub(super) fn proceed(&mut self) -> Result<Summary, FedError> {
        let config = &self.experiment.config;
        let plan = RunPlan {
            name: config.name.clone(),
            dir: self.folder.dir().to_path_buf(),
            warmup_rounds: config.warmup.rounds,
            zo_rounds: config.zo.rounds,
            next_round: self.progress.next,
            adapter: self.engine.device().info().name.clone(),
            params: self.experiment.graph.param_count(),
            clients: self.experiment.split.clients.len(),
            disk_bytes: disk::needed(&self.experiment, 0).all(),
        };
        self.describe();
        self.observer.begin(&plan);
        if let Some(watch) = self.observer.compiling() {
            self.engine.device_mut().watch_compiling(watch);
        }
        self.experiment.notes.iter().for_each(|note| self.observer.note(&note.to_string()));
        let (placed, all) = (self.train.placed(), self.train.len());
        if placed < all {
            let text = format!(
                "{placed} of {all} training samples lie on the device; the others are uploaded with each batch, which takes longer (a larger device.memory_budget, or a device with more memory, would hold more)"
            );
            self.observer.note(&text);
        }
        let dense = disk::needed(&self.experiment, self.progress.next).dense;
        if dense > 0 {
            let text = format!(
                "the weights that high-resource clients send will take {dense} bytes on disk, in {}",
                self.folder.path(dense::FOLDER).display()
            );
            self.observer.note(&text);
        }
        self.standing_warnings();
        self.precision_verdict(self.pivot_error())?;
        let end = self.rounds()?;
        self.finish(end)
    }

    /// The rounds from where the run stands.
    pub(super) fn rounds(&mut self) -> Result<End, FedError> {
        if let Some(end) = self.progress.line.as_ref().and_then(|line| self.divergence(line)) {
            // Killed between the round that diverged and the summary.
            return Ok(end);
        }
        let (warmup, total) = self.round_counts();
        while self.progress.next < warmup {
            if let Some(end) = self.warmup_round()? {
                return Ok(end);
            }
        }
        if !self.folder.path(folder::LEDGER).exists() {
            self.pivot()?;
        }
        if self.progress.pivot.is_some_and(|pivot| pivot.loss.is_none()) {
            return Ok(End::Diverged("the pivot's test loss is not finite".to_owned()));
        }
        let path = self.folder.path(folder::LEDGER);
        let mut ledger = LedgerWriter::reopen(&path, (self.progress.next - warmup) as usize)?;
        while self.progress.next < total {
            if let Some(end) = self.zo_round(&mut ledger)? {
                return Ok(end);
            }
        }
        Ok(End::Done)
    }

    /// Rounds of the warm-up, and of both phases.
    pub(super) fn round_counts(&self) -> (u32, u32) {
        let config = &self.experiment.config;
        (config.warmup.rounds, config.warmup.rounds.saturating_add(config.zo.rounds))
    }

    /// Whether the run ends after the round it has just written; one that was the last can't be interrupted any more.
    pub(super) fn ended(&mut self) -> Option<End> {
        let diverged = self.progress.line.as_ref().and_then(|line| self.divergence(line));
        let more = self.progress.next < self.round_counts().1;
        diverged.or_else(|| (more && self.observer.stop()).then_some(End::Interrupted))
    }

    /// Whether a round's line says that the run diverged in it.
    pub(super) fn divergence(&self, line: &RoundMetrics) -> Option<End> {
        let phase = match line.phase {
            Phase::Warmup => "warm-up",
            Phase::Zo => "ZO",
        };
        let why = if line.probes.is_some() && line.dropped == line.probes {
            "no probe gave a finite loss"
        } else if self.evaluates(line.round) && line.test_loss.is_none() {
            "the test loss is not finite"
        } else {
            return None;
        };
        Some(End::Diverged(format!("{phase} round {}: {why}", line.round)))
    }

    /// Whether the test set is evaluated after `round`: every so many rounds, at the pivot and at the end.
    pub(super) fn evaluates(&self, round: u32) -> bool {
        let (warmup, total) = self.round_counts();
        schedule::evaluates(round, warmup, total, self.experiment.config.eval.every)
    }
}
