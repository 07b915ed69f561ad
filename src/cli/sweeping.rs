//! What a sweep shows while it runs, on standard error: a table of its workers on a terminal, plain lines elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::args::DeviceArgs;
use super::error::{Error, FAILED, INTERRUPTED};
use super::interrupt;
use super::output::{percent, quoted};
use super::say::{bar_target, note, say};
use super::workers::WorkersArgs;
use crate::data::Dataset;
use crate::fed::sweep::{Cell, CellOutcome, CellResult, Description, INDEX, Index, Outcome, Shard, Watcher, run_shard};
use crate::fed::{FedError, Observer, RoundMetrics, RunPlan, Status};

/// Shows which cell is at which round, and each cell's result.
pub struct Sweeping {
    table: MultiProgress,
    bar: ProgressBar,
    lines: Vec<Line>,
    /// Whose run is told of.
    at: usize,
    of: usize,
    ended: usize,
    diverged: usize,
    failed: usize,
}

/// A worker's line of the table.
struct Line {
    bar: ProgressBar,
    name: String,
    rounds: u32,
    accuracy: Option<f64>,
}

impl Sweeping {
    /// Of a sweep of so many cells by so many workers; takes over Ctrl-C.
    pub fn new(of: usize, workers: usize) -> Self {
        interrupt::install();
        let table = MultiProgress::with_draw_target(bar_target());
        let bar = table.add(ProgressBar::new(of as u64));
        if let Ok(style) = ProgressStyle::with_template("sweep [{bar:20}] {pos}/{len}  {elapsed}  {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let line = |_| {
            let bar = table.add(ProgressBar::new(0));
            if let Ok(style) = ProgressStyle::with_template("  [{bar:12}] {pos:>4}/{len:<4} {wide_msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            Line { bar, name: String::new(), rounds: 0, accuracy: None }
        };
        let lines = (0..workers.max(1)).map(line).collect();
        Self { table, bar, lines, at: 0, of, ended: 0, diverged: 0, failed: 0 }
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            note(text);
        } else {
            // Where the terminal is gone there is nobody to tell.
            let _ = self.table.println(text);
        }
    }

    fn count(&self) -> String {
        let width = self.of.to_string().len();
        format!("[{:>width$}/{}]", self.ended, self.of)
    }

    fn tally(&self) {
        let counts = [(self.diverged, "diverged"), (self.failed, "failed")];
        let texts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        self.bar.set_message(texts.collect::<Vec<_>>().join(", "));
    }
}

impl Observer for Sweeping {
    fn begin(&mut self, plan: &RunPlan) {
        let line = &mut self.lines[self.at];
        (line.rounds, line.accuracy) = (plan.warmup_rounds + plan.zo_rounds, None);
        line.bar.set_length(u64::from(line.rounds));
        line.bar.set_position(u64::from(plan.next_round));
        if self.bar.is_hidden() {
            let line = &self.lines[self.at];
            self.line(&format!("{} {}: {} rounds", self.count(), line.name, line.rounds - plan.next_round));
        }
    }

    fn round(&mut self, metrics: &RoundMetrics) {
        let line = &mut self.lines[self.at];
        line.accuracy = metrics.test_accuracy.or(line.accuracy);
        line.bar.set_position(u64::from(metrics.round) + 1);
        line.bar.set_message(format!("{}  accuracy {}", line.name, percent(line.accuracy)));
    }

    fn stop(&mut self) -> bool {
        interrupt::requested()
    }

    fn note(&mut self, text: &str) {
        self.line(&format!("  {text}"));
    }

    fn warn(&mut self, text: &str) {
        let text = format!("{}: {text}", self.lines[self.at].name);
        if self.bar.is_hidden() {
            say(text);
        } else {
            let _ = self.table.println(text);
        }
    }
}

impl Watcher for Sweeping {
    fn worker(&mut self, worker: usize) {
        self.at = worker.min(self.lines.len() - 1);
    }

    fn cell(&mut self, name: &str, _done: usize, _of: usize) {
        let line = &mut self.lines[self.at];
        line.name = name.to_owned();
        line.bar.set_message(name.to_owned());
    }

    fn outcome(&mut self, cell: &CellOutcome) {
        self.ended += 1;
        self.bar.set_position(self.ended as u64);
        let result = match &cell.result {
            CellResult::Ended(s) if s.status == Status::Diverged => {
                self.diverged += 1;
                "diverged".to_owned()
            }
            CellResult::Ended(s) => format!("{} -> {}", percent(s.pivot_accuracy), percent(s.final_accuracy)),
            CellResult::Failed(_) => {
                self.failed += 1;
                "failed".to_owned()
            }
            CellResult::Pending => return,
        };
        self.tally();
        self.line(&format!("{} {}: {result}", self.count(), cell.name));
    }

    fn observer(&mut self) -> &mut dyn Observer {
        self
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        self.lines.iter().for_each(|line| line.bar.finish_and_clear());
        self.bar.finish_and_clear();
    }
}

/// Runs the cells of a sweep, or one part of them, by the workers that are asked for, and shows how it goes.
///
/// # Errors
/// A device that there is not; a folder that can't be made; data that all cells have and that can't be read, unless the sweep has begun.
pub fn carry_out(
    (description, cells): (&Description, &[Cell]),
    shard: Shard,
    dir: &Path,
    workers: &WorkersArgs,
    device: &DeviceArgs,
) -> Result<Outcome, Error> {
    let count = (0..cells.len()).filter(|&cell| shard.has(cell)).count();
    let workers = workers.workers(device, count)?;
    if !dir.join(INDEX).exists() {
        check_data(cells)?;
    }
    Index::of(description, cells).write(dir)?;
    let mut watcher = Sweeping::new(count, workers.count());
    Ok(run_shard(cells, shard, dir, &workers, &mut watcher)?)
}

/// Reads the data that all cells share, if they do: what can't be read is one error before anything is written, and not one a cell.
fn check_data(cells: &[Cell]) -> Result<(), Error> {
    let mut all = cells.iter().filter_map(|cell| cell.config.as_ref().ok()).map(|config| &config.data);
    if let Some(first) = all.next().filter(|first| all.all(|data| data == *first)) {
        Dataset::load(first).map_err(FedError::from)?;
    }
    Ok(())
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
