//! Where a run stands between two rounds: what its lines of metrics add up to, whether they were just written or read back.

use super::experiment::Experiment;
use super::figures::Figures;
use super::folder::manifest::AdapterRecord;
use super::metrics::{Phase, RoundMetrics, SCHEMA, Status, Summary};
use super::warnings::Watch;
use crate::caps::Precision;
use crate::version;

/// What a summary says beside a run's figures.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The run's folder.
    pub dir: String,
    /// The config's name.
    pub name: String,
    /// The commit of the program.
    pub commit: String,
    /// How the run ended.
    pub status: Status,
    /// The adapter that it ended on.
    pub adapter: AdapterRecord,
    /// What a low-resource client must hold to take part; `None`: it isn't known.
    pub client_memory_bytes: Option<u64>,
    /// Parameters of the model.
    pub params: u64,
    /// Fingerprint of the last weights.
    pub fingerprint: String,
    /// How exact products were.
    pub precision: Precision,
    /// Relative error of loss differences at the pivot where that isn't f32.
    pub dl_error: Option<f64>,
}

/// Where a run stands.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// The next round (absolute).
    pub next: u32,
    /// The pivot's figures, once known.
    pub pivot: Option<Figures>,
    /// Round and accuracy of the best evaluation.
    pub best: Option<(u32, f64)>,
    /// The last evaluation.
    pub last: Option<Figures>,
    /// Accuracy of the running mean of the weights at the last evaluation.
    pub averaged: Option<f64>,
    /// Accuracy of the validation samples at the last evaluation.
    pub validation: Option<f64>,
    /// Bytes up and down so far.
    pub bytes: (u64, u64),
    /// Wall time of the rounds so far.
    pub seconds: f64,
    /// Wall time of compiling in them.
    pub compile_seconds: f64,
    /// Local steps that were skipped so far, where losses have a scale.
    pub skipped_steps: Option<u64>,
    /// The pivot's broadcast was counted.
    pub pivot_counted: bool,
    /// The line of the last round.
    pub line: Option<RoundMetrics>,
    /// What is worth a warning.
    pub watch: Watch,
}

impl Progress {
    /// Of an experiment, before its first round.
    pub fn of(experiment: &Experiment) -> Self {
        Self { watch: Watch::of(experiment), ..Self::default() }
    }

    /// Follows a round; `evaluated` tells that the test set was, whatever came of it. Returns how many warnings it gave.
    pub fn follow(&mut self, line: &RoundMetrics, evaluated: bool) -> usize {
        self.next = line.round + 1;
        self.bytes.0 += line.uplink_bytes;
        self.bytes.1 += line.downlink_bytes;
        self.seconds += line.seconds;
        self.compile_seconds += line.compile_seconds;
        if let Some(skipped) = line.skipped_steps {
            *self.skipped_steps.get_or_insert_default() += u64::from(skipped);
        }
        self.pivot_counted |= line.phase == Phase::Zo;
        if evaluated || line.test_loss.is_some() {
            self.evaluated(line.round, line.figures());
        }
        self.averaged = line.averaged_accuracy.or(self.averaged);
        self.validation = line.validation_accuracy.or(self.validation);
        self.line = Some(line.clone());
        self.watch.follow(line)
    }

    /// Notes what the pivot, after `warmup` rounds, reaches.
    pub fn set_pivot(&mut self, figures: Figures, warmup: u32) {
        self.pivot = Some(figures);
        self.watch.pivot(figures.loss);
        self.evaluated(warmup.saturating_sub(1), figures);
    }

    /// What all rounds so far add up to.
    pub fn summary(&self, end: Ending) -> Summary {
        let (pivot, last) = (self.pivot.unwrap_or_default(), self.last.unwrap_or_default());
        Summary {
            dir: end.dir,
            name: end.name,
            version: version::NUMBER.to_owned(),
            commit: end.commit,
            schema: SCHEMA,
            status: end.status,
            adapter: end.adapter.name,
            backend: end.adapter.backend,
            driver: end.adapter.driver,
            tier: end.adapter.tier,
            seconds: self.seconds,
            compile_seconds: self.compile_seconds,
            rounds: self.next,
            pivot_accuracy: pivot.accuracy,
            pivot_loss: pivot.loss,
            final_accuracy: last.accuracy,
            final_loss: last.loss,
            best_accuracy: self.best.map(|b| b.1),
            best_round: self.best.map(|b| b.0),
            averaged_accuracy: self.averaged,
            validation_accuracy: self.validation,
            pivot_low_accuracy: pivot.groups.and_then(|g| g.low),
            final_low_accuracy: last.groups.and_then(|g| g.low),
            pivot_high_accuracy: pivot.groups.and_then(|g| g.high),
            final_high_accuracy: last.groups.and_then(|g| g.high),
            pivot_worst_tenth_accuracy: pivot.groups.and_then(|g| g.worst_tenth),
            final_worst_tenth_accuracy: last.groups.and_then(|g| g.worst_tenth),
            gain: last.accuracy.zip(pivot.accuracy).map(|(last, pivot)| last - pivot),
            uplink_bytes: self.bytes.0,
            downlink_bytes: self.bytes.1,
            client_memory_bytes: end.client_memory_bytes,
            params: end.params,
            fingerprint: end.fingerprint,
            precision: end.precision.name().to_owned(),
            dl_error: end.dl_error,
            skipped_steps: self.skipped_steps,
            warnings: self.watch.list().to_vec(),
        }
    }

    fn evaluated(&mut self, round: u32, figures: Figures) {
        self.last = Some(figures);
        if let Some(accuracy) = figures.accuracy.filter(|a| self.best.is_none_or(|(_, best)| *a > best)) {
            self.best = Some((round, accuracy));
        }
    }
}
