//! Figures of one setting: means and deviations over its runs that are done.

use serde::Serialize;

use super::Spread;
use crate::config::Config;
use crate::fed::metrics::Summary;

/// Figures over the runs that are done; those that none of them has are null. Accuracies are 0..1, bytes those of a client over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Accuracy at the pivot; null of runs of one phase.
    pub pivot: Option<Spread>,
    /// Accuracy of the last evaluation.
    #[serde(rename = "final")]
    pub last: Option<Spread>,
    /// Final less pivot accuracy, run by run; null of runs of one phase.
    pub gain: Option<Spread>,
    /// Final accuracy on the low-resource clients' labels.
    pub low_clients: Option<Spread>,
    /// On the high-resource clients'.
    pub high_clients: Option<Spread>,
    /// On those of the worst tenth of the clients.
    pub worst_tenth: Option<Spread>,
    /// Accuracy of the validation samples at the last evaluation.
    pub validation: Option<Spread>,
    /// Bytes that a client sends over the run: the mean over clients and runs.
    pub uplink_bytes: Option<u64>,
    /// Bytes that it gets.
    pub downlink_bytes: Option<u64>,
    /// What a low-resource client must hold to take part, by the paper's formulas, in the first run that tells; of a method without these
    /// clients what the others hold.
    pub client_memory_bytes: Option<u64>,
    /// Wall time of a run's rounds, its warm-up's and evaluations' included.
    pub seconds: Option<f64>,
}

impl Figures {
    /// Of runs that are done, each with its config.
    pub fn of(runs: &[(&Summary, &Config)]) -> Self {
        let spread = |figure: &dyn Fn(&Summary, &Config) -> Option<f64>| {
            Spread::of(&runs.iter().filter_map(|(summary, config)| figure(summary, config)).collect::<Vec<f64>>())
        };
        let a_client = |bytes: fn(&Summary) -> u64| {
            let mean = spread(&|s, c| Some(bytes(s) as f64 / clients(c)))?.mean;
            Some(mean.round() as u64)
        };
        Self {
            // What comes before the first round, or follows the last one, is no pivot.
            pivot: spread(&|s, c| s.pivot_accuracy.filter(|_| has_pivot(c))),
            last: spread(&|s, _| s.final_accuracy),
            gain: spread(&|s, c| s.gain.filter(|_| has_pivot(c))),
            low_clients: spread(&|s, _| s.final_low_accuracy),
            high_clients: spread(&|s, _| s.final_high_accuracy),
            worst_tenth: spread(&|s, _| s.final_worst_tenth_accuracy),
            validation: spread(&|s, _| s.validation_accuracy),
            uplink_bytes: a_client(|s| s.uplink_bytes),
            downlink_bytes: a_client(|s| s.downlink_bytes),
            client_memory_bytes: runs.iter().find_map(|(summary, _)| summary.client_memory_bytes),
            seconds: spread(&|s, _| Some(s.seconds)).map(|s| s.mean),
        }
    }
}

/// Clients of a run.
pub fn clients(config: &Config) -> f64 {
    f64::from(config.split.clients.max(1))
}

/// Whether a run has both phases, and so a pivot between them.
pub fn has_pivot(config: &Config) -> bool {
    config.warmup.rounds > 0 && config.zo.rounds > 0
}
