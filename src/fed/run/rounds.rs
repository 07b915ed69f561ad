//! One round of either kind, and the pivot between them.

use std::time::Instant;

use super::super::error::FedError;
use super::super::figures::Figures;
use super::super::folder::checkpoint::Checkpoint;
use super::super::folder::manifest::PivotRecord;
use super::super::folder::moments;
use super::super::folder::{LEDGER, PIVOT};
use super::super::metrics::{Phase, RoundMetrics};
use super::super::zo::ZoPhase;
use super::super::{cost, dense, inclusion, traffic, warmup, zo};
use super::running::{End, Run};
use crate::config::NormStatistics;
use crate::engine::Evaluation;
use crate::files::sha256_hex;
use crate::ledger::LedgerWriter;
use crate::stream::replay::sanitize_base;
use crate::weights;

/// When a round began.
struct Clock {
    start: Instant,
    /// Seconds that the device had compiled for.
    compiled: f64,
}

impl Run<'_> {
    fn evaluate(&mut self, metrics: &mut RoundMetrics) -> Result<(), FedError> {
        if self.evaluates(metrics.round) {
            let evaluation = self.engine.evaluate(&self.test)?;
            metrics.set_evaluation(self.figures(&evaluation));
            if let Some(validation) = &self.validation {
                let Figures { loss, accuracy, .. } = Figures::from(&self.engine.evaluate(validation)?);
                (metrics.validation_loss, metrics.validation_accuracy) = (loss, accuracy);
            }
            if self.experiment.config.eval.groups {
                metrics.class_accuracy = inclusion::class_accuracies(&evaluation);
            }
            if metrics.phase == Phase::Zo && self.zo.has_average() {
                metrics.averaged_accuracy = self.engine.evaluate_average(&self.test)?.accuracy();
            }
        }
        Ok(())
    }

    /// What an evaluation gave, of all that the config asks for.
    fn figures(&self, evaluation: &Evaluation) -> Figures {
        if self.experiment.config.eval.groups {
            Figures::with_groups(evaluation, &self.experiment.split)
        } else {
            Figures::from(evaluation)
        }
    }

    pub(super) fn warmup_round(&mut self) -> Result<Option<End>, FedError> {
        let (round, clock) = (self.progress.next, self.clock());
        let result = self.warmup.round(&mut self.engine, &self.experiment, &self.train, round)?;
        let last = round + 1 == self.experiment.config.warmup.rounds;
        let mut after = self.engine.weights()?;
        if !result.train_loss.is_finite() || after.iter().any(|w| !w.is_finite()) {
            return Ok(Some(End::Diverged(format!("warm-up round {round}: the loss or a weight is not finite"))));
        }
        if last {
            sanitize_base(&mut after);
            self.engine.set_weights(&after)?;
        }
        let sent = warmup::sent(&self.experiment, &result.clients, round);
        let mut metrics = RoundMetrics::new(round, Phase::Warmup, result.train_loss, result.clients.len());
        metrics.dropouts = warmup::sampled(&self.experiment, round).len().saturating_sub(result.clients.len()) as u32;
        metrics.skipped_steps = result.scaled.map(|scaled| scaled.skipped);
        metrics.loss_scale = result.scaled.map(|scaled| scaled.scale.into());
        self.evaluate(&mut metrics)?;
        self.complete(&mut metrics, sent, clock, None)?;
        let bytes = weights::encode(&self.experiment.graph.tensors, &after, &[]);
        let moments = match self.warmup.kept(&self.engine, result.scaled.is_some())[..] {
            [] => None,
            _ => Some(moments::encode(&self.engine.save()?)),
        };
        Checkpoint::save(&self.folder, &metrics, &bytes, moments.as_deref())?;
        Ok(self.ended())
    }

    /// Writes the pivot and the ledger's header. The pivot's figures are those of these very weights: of the last warm-up round's
    /// evaluation where nothing changed since, else measured now.
    pub(super) fn pivot(&mut self) -> Result<(), FedError> {
        let recomputed = zo::norm_statistics(&self.experiment) == NormStatistics::Recomputed;
        let pivot = zo::to_pivot(&mut self.engine, &self.experiment, &self.train)?;
        let warmup = self.experiment.config.warmup.rounds;
        let asked = |figures: &Figures| figures.groups.is_some() || !self.experiment.config.eval.groups;
        let figures = match self.progress.last {
            Some(last) if warmup > 0 && !recomputed && asked(&last) => last,
            _ => {
                let evaluation = self.engine.evaluate(&self.test)?;
                self.figures(&evaluation)
            }
        };
        let bytes = weights::encode(&self.experiment.graph.tensors, &pivot, &[]);
        let sha256 = sha256_hex(&bytes);
        self.folder.write(PIVOT, &bytes)?;
        let dl_error = self.precision_error(warmup)?;
        let header = zo::header(&self.experiment, &sha256, dl_error.filter(|error| *error <= zo::MOST_ERROR));
        let Figures { loss, accuracy, groups } = figures;
        // What isn't finite is null in JSON.
        let noted = dl_error.map(|error| error.min(f64::MAX));
        self.manifest.pivot = Some(PivotRecord { sha256, loss, accuracy, groups, dl_error: noted });
        self.manifest.write(self.folder.dir())?;
        // A run that stops here has a pivot, at which a fork can begin.
        self.precision_verdict(noted)?;
        LedgerWriter::create(&self.folder.path(LEDGER), header)?;
        self.zo = ZoPhase::new(&self.experiment);
        self.zo.begin(&mut self.engine)?;
        tracing::info!("pivot after {warmup} rounds: test loss {loss:?}, accuracy {accuracy:?}");
        self.progress.set_pivot(figures, warmup);
        Ok(())
    }

    /// The relative error of loss differences against f32 before round `round`, where that is due.
    fn precision_error(&mut self, round: u32) -> Result<Option<f64>, FedError> {
        if self.experiment.config.zo.rounds == 0 || !zo::precision_due(&self.experiment, round) {
            return Ok(None);
        }
        Ok(Some(zo::precision_error(&mut self.engine, &self.experiment, &self.train, round)?))
    }

    pub(super) fn zo_round(&mut self, ledger: &mut LedgerWriter) -> Result<Option<End>, FedError> {
        let (round, clock) = (self.progress.next, self.clock());
        let first = round == self.experiment.config.warmup.rounds;
        let dl_error = match self.pivot_error() {
            Some(error) if first => Some(error),
            _ => self.precision_error(round)?,
        };
        if first {
            // Measured only now where the run had no such rounds at its pivot.
            self.precision_verdict(dl_error)?;
        }
        let mut result = self.zo.round(&mut self.engine, &self.experiment, &self.train, round)?;
        if !result.finite {
            self.return_to(round - self.experiment.config.warmup.rounds)?;
            return Ok(Some(End::Diverged(format!("ZO round {round}: a weight is not finite"))));
        }
        self.zo.applied(&mut self.engine)?;
        if let Some(values) = &result.dense {
            result.ledger.dense = Some(dense::write(&self.folder, &self.experiment.graph.tensors, round, values)?);
        }
        let clients = self.experiment.split.clients.len();
        let pivot = if self.progress.pivot_counted { 0 } else { clients };
        let (probing, training) = (result.clients.0.len(), result.clients.1.len());
        let mut sent = cost::round_traffic(&self.experiment, probing, training, pivot);
        let catchup = self.zo.catchup_bytes(&self.experiment, round);
        sent.down += catchup;
        let mut metrics = RoundMetrics::new(round, Phase::Zo, result.train_loss, probing + training);
        let sampled = zo::sampled(&self.experiment, round);
        metrics.dropouts = (sampled.0.len() + sampled.1.len()).saturating_sub(probing + training) as u32;
        metrics.catchup_bytes = Some(catchup);
        metrics.set_probes(result.probes, result.dl_rms, result.dl_zero, result.dropped);
        metrics.dl_error = dl_error.map(|error| error.min(f64::MAX));
        metrics.skipped_steps = result.skipped_steps;
        self.evaluate(&mut metrics)?;
        let line = ledger.append(&result.ledger)?;
        self.complete(&mut metrics, sent, clock, Some(&line))?;
        Ok(self.ended())
    }

    fn clock(&self) -> Clock {
        Clock { start: Instant::now(), compiled: self.compile_seconds() }
    }

    /// Seconds that the device has compiled for so far.
    fn compile_seconds(&self) -> f64 {
        self.engine.device().compiled().seconds
    }

    /// Writes a round's line, and tells whoever watches.
    fn complete(
        &mut self,
        metrics: &mut RoundMetrics,
        sent: traffic::Bytes,
        clock: Clock,
        ledger: Option<&[u8]>,
    ) -> Result<(), FedError> {
        metrics.uplink_bytes = sent.up;
        metrics.downlink_bytes = sent.down;
        metrics.compile_seconds = self.compile_seconds() - clock.compiled;
        metrics.seconds = (clock.start.elapsed().as_secs_f64() - metrics.compile_seconds).max(0.0);
        let line = self.folder.append_metrics(metrics)?;
        self.log.append(&line, ledger)?;
        tracing::debug!(
            "round {}: {} clients, loss {:?}, {:.3} s and {:.3} s of compiling, {} bytes up, {} down",
            metrics.round,
            metrics.clients,
            metrics.train_loss,
            metrics.seconds,
            metrics.compile_seconds,
            sent.up,
            sent.down
        );
        let new = self.progress.follow(metrics, self.evaluates(metrics.round));
        self.observer.round(metrics);
        let list = self.progress.watch.list();
        for text in &list[list.len() - new..] {
            self.observer.warn(&format!("warning: {text}"));
        }
        Ok(())
    }
}
