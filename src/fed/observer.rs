//! What a run tells whoever watches it: the progress bar, a test, another program.

use std::path::PathBuf;

use super::metrics::{RoundMetrics, Summary};
use crate::device::CompileWatch;

/// What a run is going to do.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// The config's name.
    pub name: String,
    /// The run's folder.
    pub dir: PathBuf,
    /// The adapter's name.
    pub adapter: String,
    /// Parameters of the model.
    pub params: usize,
    /// Clients.
    pub clients: usize,
    /// First-order rounds in all.
    pub warmup_rounds: u32,
    /// Zeroth-order rounds in all.
    pub zo_rounds: u32,
    /// The first round that is still to be done: 0, or more in a resumed run.
    pub next_round: u32,
    /// Bytes that the folder will take once the run is done, about.
    pub disk_bytes: u64,
}

/// Someone who watches a run. Calls come in the order `begin`, any number of `round` (then `stop`), `end`; `note` and `warn`
/// at any time, before `begin` too.
pub trait Observer {
    /// The run starts, or goes on.
    fn begin(&mut self, plan: &RunPlan) {
        let _ = plan;
    }

    /// What the device calls while it compiles pipelines, on which rounds wait: how many are ready, and how many there will be. Asked
    /// for once, after `begin`.
    fn compiling(&mut self) -> Option<CompileWatch> {
        None
    }

    /// With which way each product is the fastest is being measured, before the first round: so many steps are done of so many.
    fn tuning(&mut self, done: usize, all: usize) {
        let _ = (done, all);
    }

    /// A round is done and written.
    fn round(&mut self, metrics: &RoundMetrics) {
        let _ = metrics;
    }

    /// Whether the run is to end now, as interrupted; asked after each round.
    fn stop(&mut self) -> bool {
        false
    }

    /// Something a person may want to know.
    fn note(&mut self, text: &str) {
        let _ = text;
    }

    /// Something a person should know: a warning, or why the run diverged.
    fn warn(&mut self, text: &str) {
        self.note(text);
    }

    /// The run is over: done, diverged or interrupted.
    fn end(&mut self, summary: &Summary) {
        let _ = summary;
    }
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
