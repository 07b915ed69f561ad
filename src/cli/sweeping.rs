//! What a sweep shows while it runs, on standard error: a bar on a terminal, plain lines elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::{FAILED, INTERRUPTED};
use super::interrupt;
use super::output::{percent, quoted};
use super::say::{bar_target, note, say};
use crate::fed::sweep::{CellOutcome, CellResult, Outcome, Watcher};
use crate::fed::{Observer, RoundMetrics, RunPlan, Status};

/// Shows which cell is at which round, and each cell's result.
pub struct Sweeping {
    bar: ProgressBar,
    name: String,
    rounds: u32,
    accuracy: Option<f64>,
    of: usize,
    ended: usize,
}

impl Sweeping {
    /// Of a sweep of so many cells; takes over Ctrl-C.
    pub fn new(of: usize) -> Self {
        interrupt::install();
        let bar = ProgressBar::with_draw_target(Some(of as u64), bar_target());
        if let Ok(style) = ProgressStyle::with_template("sweep [{bar:20}] {pos}/{len}  {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, name: String::new(), rounds: 0, accuracy: None, of, ended: 0 }
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() { note(text) } else { self.bar.println(text) }
    }

    fn count(&self) -> String {
        let width = self.of.to_string().len();
        format!("[{:>width$}/{}]", self.ended, self.of)
    }
}

impl Observer for Sweeping {
    fn begin(&mut self, plan: &RunPlan) {
        (self.rounds, self.accuracy) = (plan.warmup_rounds + plan.zo_rounds, None);
        if self.bar.is_hidden() {
            self.line(&format!("{} {}: {} rounds", self.count(), self.name, self.rounds - plan.next_round));
        }
    }

    fn round(&mut self, metrics: &RoundMetrics) {
        self.accuracy = metrics.test_accuracy.or(self.accuracy);
        let (name, round, rounds) = (&self.name, metrics.round + 1, self.rounds);
        self.bar.set_message(format!("{name}  round {round} of {rounds}  accuracy {}", percent(self.accuracy)));
    }

    fn stop(&mut self) -> bool {
        interrupt::requested()
    }

    fn note(&mut self, text: &str) {
        self.line(&format!("  {text}"));
    }

    fn warn(&mut self, text: &str) {
        let text = format!("{}: {text}", self.name);
        if self.bar.is_hidden() { say(text) } else { self.bar.println(text) }
    }
}

impl Watcher for Sweeping {
    fn cell(&mut self, name: &str, _done: usize, _of: usize) {
        self.name = name.to_owned();
        self.bar.set_message(name.to_owned());
    }

    fn outcome(&mut self, cell: &CellOutcome) {
        self.ended += 1;
        self.bar.set_position(self.ended as u64);
        let result = match &cell.result {
            CellResult::Ended(s) if s.status == Status::Diverged => "diverged".to_owned(),
            CellResult::Ended(s) => format!("{} -> {}", percent(s.pivot_accuracy), percent(s.final_accuracy)),
            CellResult::Failed(_) => "failed".to_owned(),
            CellResult::Pending => return,
        };
        self.line(&format!("{} {}: {result}", self.count(), cell.name));
    }

    fn observer(&mut self) -> &mut dyn Observer {
        self
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Lists what failed and says how to go on; the exit status that the outcome means.
pub fn conclude(outcome: &Outcome, dir: &Path) -> u8 {
    let failures: Vec<(&CellOutcome, &str)> = outcome.failures().collect();
    if !failures.is_empty() {
        say(format_args!("{} of {} cells failed:", failures.len(), outcome.cells.len()));
        failures.iter().for_each(|(cell, why)| say(format_args!("  {}: {why}", cell.name)));
    }
    if outcome.interrupted {
        let dir = quoted(&dir.display().to_string());
        say(format_args!("interrupted; the same command goes on with the rest (results are in {dir})"));
        return INTERRUPTED;
    }
    if failures.is_empty() { 0 } else { FAILED }
}

/// Where results go: `--out`, else a folder below `parent`, the same each time so that the command can be run again.
pub fn folder(out: Option<&Path>, parent: &str, file: Option<&Path>) -> PathBuf {
    let stem = file.and_then(Path::file_stem).map_or_else(|| "digits".into(), |stem| stem.to_os_string());
    out.map_or_else(|| Path::new(parent).join(stem), Path::to_owned)
}
