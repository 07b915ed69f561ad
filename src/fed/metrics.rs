//! What a run reports: a line a round, and a summary at its end.

use serde::{Deserialize, Serialize};

use super::figures::Figures;
use super::inclusion::Groups;
use crate::caps::Precision;

/// The version of the files in a run's folder.
pub const SCHEMA: u32 = 2;

/// The phase a round belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// First-order rounds on high-resource clients.
    Warmup,
    /// Zeroth-order rounds.
    Zo,
}

/// A line of `metrics.jsonl`. The keys of the ZO phase are null in the warm-up; so are numbers that are not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundMetrics {
    /// Absolute, 0-based.
    pub round: u32,
    /// Phase.
    pub phase: Phase,
    /// Warm-up: mean over local steps. ZO: mean over probes of (L+ + L-) / 2, before the update.
    pub train_loss: Option<f64>,
    /// After the round; null where not evaluated.
    pub test_loss: Option<f64>,
    /// 0..1, after the round; null where not evaluated.
    pub test_accuracy: Option<f64>,
    /// Loss of the validation samples after the round; null where not evaluated, and without them (`data.validation`).
    #[serde(default)]
    pub validation_loss: Option<f64>,
    /// Their accuracy, 0..1.
    #[serde(default)]
    pub validation_accuracy: Option<f64>,
    /// Test accuracy of the running mean of the weights; null without one (`eval.average`).
    #[serde(default)]
    pub averaged_accuracy: Option<f64>,
    /// Accuracy on the low-resource clients' labels ([`super::inclusion`]); null, as the next three, without `eval.groups`.
    #[serde(default)]
    pub low_accuracy: Option<f64>,
    /// On the high-resource clients' labels.
    #[serde(default)]
    pub high_accuracy: Option<f64>,
    /// On those of the worst tenth of the clients.
    #[serde(default)]
    pub worst_tenth_accuracy: Option<f64>,
    /// Of each class; null for one without test samples.
    #[serde(default)]
    pub class_accuracy: Option<Vec<Option<f64>>>,
    /// Clients that took part.
    pub clients: u32,
    /// Clients that were sampled and dropped out.
    #[serde(default)]
    pub dropouts: u32,
    /// Probes of all of them.
    pub probes: Option<u32>,
    /// Bytes from all clients together.
    pub uplink_bytes: u64,
    /// Bytes to all clients together.
    pub downlink_bytes: u64,
    /// Of them, what clients that return are sent for the rounds that they missed.
    #[serde(default)]
    pub catchup_bytes: Option<u64>,
    /// Wall time of the round, its evaluation included, without that of compiling.
    pub seconds: f64,
    /// Wall time in which the round waited for pipelines to be compiled.
    #[serde(default)]
    pub compile_seconds: f64,
    /// Root mean square of the finite loss differences.
    pub dl_rms: Option<f64>,
    /// Share of loss differences that are exactly zero.
    pub dl_zero: Option<f64>,
    /// Probes whose loss difference was not finite.
    pub dropped: Option<u32>,
    /// Relative error of loss differences in the run's precision against f32, measured before the round; null where that isn't due.
    #[serde(default)]
    pub dl_error: Option<f64>,
    /// Local steps that clients skipped because a gradient was no finite number; null where losses have no scale (docs/methods.md).
    #[serde(default)]
    pub skipped_steps: Option<u32>,
    /// The scale of the clients' losses after a warm-up round; null without one.
    #[serde(default)]
    pub loss_scale: Option<f64>,
}

/// A number for JSON: `None` where it is not finite.
fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

impl RoundMetrics {
    /// A line without evaluation, probes, bytes and time.
    pub fn new(round: u32, phase: Phase, train_loss: f64, clients: usize) -> Self {
        Self {
            round,
            phase,
            train_loss: finite(train_loss),
            test_loss: None,
            test_accuracy: None,
            validation_loss: None,
            validation_accuracy: None,
            averaged_accuracy: None,
            low_accuracy: None,
            high_accuracy: None,
            worst_tenth_accuracy: None,
            class_accuracy: None,
            clients: clients as u32,
            dropouts: 0,
            probes: None,
            uplink_bytes: 0,
            downlink_bytes: 0,
            catchup_bytes: None,
            seconds: 0.0,
            compile_seconds: 0.0,
            dl_rms: None,
            dl_zero: None,
            dropped: None,
            dl_error: None,
            skipped_steps: None,
            loss_scale: None,
        }
    }

    /// Notes the evaluation after the round.
    pub fn set_evaluation(&mut self, figures: Figures) {
        (self.test_loss, self.test_accuracy) = (figures.loss, figures.accuracy);
        let groups = figures.groups.unwrap_or_default();
        (self.low_accuracy, self.high_accuracy) = (groups.low, groups.high);
        self.worst_tenth_accuracy = groups.worst_tenth;
    }

    /// The evaluation that was noted.
    pub fn figures(&self) -> Figures {
        let (low, high, worst_tenth) = (self.low_accuracy, self.high_accuracy, self.worst_tenth_accuracy);
        let groups = self.class_accuracy.is_some().then_some(Groups { low, high, worst_tenth });
        Figures { loss: self.test_loss, accuracy: self.test_accuracy, groups }
    }

    /// Notes what a ZO round's probes gave.
    pub fn set_probes(&mut self, probes: usize, dl_rms: f64, dl_zero: f64, dropped: u32) {
        self.probes = Some(probes as u32);
        (self.dl_rms, self.dl_zero, self.dropped) = (finite(dl_rms), finite(dl_zero), Some(dropped));
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All rounds are done.
    Done,
    /// Every probe of a round, the weights or the test loss were not finite.
    Diverged,
    /// Stopped by its observer after a round; can be resumed.
    Interrupted,
}

/// The precision of runs before there was another.
fn in_f32() -> String {
    Precision::F32.name().to_owned()
}

/// `summary.json`, and what `run` and `resume` print. Figures that a run never reached are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's folder.
    pub dir: String,
    /// The config's name.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Its commit.
    pub commit: String,
    /// Version of the folder's files.
    pub schema: u32,
    /// How the run ended.
    pub status: Status,
    /// The adapter's name.
    pub adapter: String,
    /// Its backend.
    pub backend: String,
    /// Its driver.
    pub driver: String,
    /// The capability tier it was used at.
    pub tier: String,
    /// Wall time of all rounds together, without that of compiling.
    pub seconds: f64,
    /// Wall time in which rounds waited for pipelines to be compiled.
    #[serde(default)]
    pub compile_seconds: f64,
    /// Rounds done.
    pub rounds: u32,
    /// Test accuracy of the pivot, 0..1.
    pub pivot_accuracy: Option<f64>,
    /// Test loss of the pivot.
    pub pivot_loss: Option<f64>,
    /// Test accuracy of the last evaluation.
    pub final_accuracy: Option<f64>,
    /// Test loss of the last evaluation.
    pub final_loss: Option<f64>,
    /// Highest test accuracy of all evaluations.
    pub best_accuracy: Option<f64>,
    /// The round after which it was first reached.
    pub best_round: Option<u32>,
    /// Test accuracy of the running mean of the weights after the last round.
    #[serde(default)]
    pub averaged_accuracy: Option<f64>,
    /// Accuracy of the validation samples at the last evaluation: what settings may be chosen by.
    #[serde(default)]
    pub validation_accuracy: Option<f64>,
    /// Final less pivot accuracy.
    #[serde(default)]
    pub gain: Option<f64>,
    /// The pivot's accuracy on the low-resource clients' labels ([`super::inclusion`]); null, as the next five, without `eval.groups`.
    #[serde(default)]
    pub pivot_low_accuracy: Option<f64>,
    /// The last evaluation's on these.
    #[serde(default)]
    pub final_low_accuracy: Option<f64>,
    /// The pivot's accuracy on the high-resource clients' labels.
    #[serde(default)]
    pub pivot_high_accuracy: Option<f64>,
    /// The last evaluation's on these.
    #[serde(default)]
    pub final_high_accuracy: Option<f64>,
    /// The pivot's accuracy on the labels of the tenth of the clients whom it serves worst.
    #[serde(default)]
    pub pivot_worst_tenth_accuracy: Option<f64>,
    /// The last evaluation's on those of the tenth whom that serves worst.
    #[serde(default)]
    pub final_worst_tenth_accuracy: Option<f64>,
    /// Bytes from all clients over the run.
    pub uplink_bytes: u64,
    /// Bytes to all clients over the run.
    pub downlink_bytes: u64,
    /// Bytes that a low-resource client must hold to take part, by the paper's formulas ([`super::cost::ClientMemory`]).
    #[serde(default)]
    pub client_memory_bytes: Option<u64>,
    /// Parameters of the model.
    pub params: u64,
    /// Fingerprint of the final weights, 16 hex digits.
    pub fingerprint: String,
    /// How exact products were (`device.precision`).
    #[serde(default = "in_f32")]
    pub precision: String,
    /// Relative error of loss differences at the pivot where that isn't f32.
    #[serde(default)]
    pub dl_error: Option<f64>,
    /// Local steps that clients skipped because a gradient was no finite number; null where no loss has had a scale.
    #[serde(default)]
    pub skipped_steps: Option<u64>,
    /// Signs that something is wrong though the run ended as it did.
    #[serde(default)]
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warmup_line_has_every_key() {
        let mut line = RoundMetrics::new(3, Phase::Warmup, f64::NAN, 2);
        (line.uplink_bytes, line.downlink_bytes, line.seconds) = (8, 8, 0.5);
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(
            text,
            r#"{"round":3,"phase":"warmup","train_loss":null,"test_loss":null,"test_accuracy":null,"validation_loss":null,"validation_accuracy":null,"averaged_accuracy":null,"low_accuracy":null,"high_accuracy":null,"worst_tenth_accuracy":null,"class_accuracy":null,"clients":2,"dropouts":0,"probes":null,"uplink_bytes":8,"downlink_bytes":8,"catchup_bytes":null,"seconds":0.5,"compile_seconds":0.0,"dl_rms":null,"dl_zero":null,"dropped":null,"dl_error":null,"skipped_steps":null,"loss_scale":null}"#
        );
        let back: RoundMetrics = serde_json::from_str(&text).unwrap();
        assert_eq!((back.round, back.train_loss), (3, None));
    }

    #[test]
    fn a_line_with_groups_reads_back_and_one_of_before_them_too() {
        let mut line = RoundMetrics::new(2, Phase::Warmup, 0.5, 2);
        let groups = Groups { low: Some(0.25), high: None, worst_tenth: Some(0.0) };
        let figures = Figures { loss: Some(1.0), accuracy: Some(0.5), groups: Some(groups) };
        line.set_evaluation(figures);
        line.class_accuracy = Some(vec![Some(0.5), None]);
        let mut object = serde_json::to_value(&line).unwrap();
        let back: RoundMetrics = serde_json::from_value(object.clone()).unwrap();
        assert_eq!((&back, back.figures()), (&line, figures));
        object
            .as_object_mut()
            .unwrap()
            .retain(|key, _| key == "test_accuracy" || !key.ends_with("_accuracy") && !key.starts_with("validation"));
        let before: RoundMetrics = serde_json::from_value(object).unwrap();
        assert_eq!(before.figures(), Figures { groups: None, ..figures });
    }

    #[test]
    fn a_zo_line_reads_back() {
        let mut line = RoundMetrics::new(30, Phase::Zo, 0.1 + 0.2, 20);
        line.set_probes(60, 1.5e-3, 0.0, 1);
        line.set_evaluation(Figures { loss: Some(1.0 / 3.0), accuracy: Some(0.5), groups: None });
        let text = serde_json::to_string(&line).unwrap();
        assert!(text.contains(r#""phase":"zo""#) && text.contains(r#""dropped":1"#));
        assert_eq!(serde_json::from_str::<RoundMetrics>(&text).unwrap(), line);
    }
}
