//! Running a sweep: one cell after another, on one device.
//!
//! Nothing is remembered but the runs' folders. A cell whose folder holds a finished run isn't run again, one that was cut short goes
//! on. Another process at work on the same sweep holds the locks of its cells: they are passed over, and looked at again at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::plan::Plan;
use super::{Cell, CellOutcome, CellResult, Outcome, Shard};
use crate::config::Config;
use crate::device::Selection;
use crate::fed::error::FedError;
use crate::fed::folder::{CONFIG, FolderError, Manifest};
use crate::fed::metrics::{Status, Summary};
use crate::fed::observer::{Observer, Silent};
use crate::fed::{Host, origin, run as single, settings};
use crate::files::FileError;

/// The folder of the shared warm-ups in the sweep's.
const WARMUPS: &str = "warmups";
/// How long others are waited for before their cells are looked at again.
const PAUSE: Duration = Duration::from_millis(200);

/// Someone who watches a sweep, and each of its runs.
pub trait Watcher: Observer {
    /// A cell, or a warm-up that several share, begins or goes on. `done` cells of `of` have ended or failed.
    fn cell(&mut self, name: &str, done: usize, of: usize) {
        let _ = (name, done, of);
    }

    /// A cell has ended or failed.
    fn outcome(&mut self, cell: &CellOutcome) {
        let _ = cell;
    }

    /// Itself, as the observer of a run.
    fn observer(&mut self) -> &mut dyn Observer;
}

impl Watcher for Silent {
    fn observer(&mut self) -> &mut dyn Observer {
        self
    }
}

/// Runs the cells of a sweep that have not ended, each in a folder of its name below `dir`. A cell that fails doesn't end the rest:
/// the outcome says why it did. `device` is as `--device`.
///
/// # Errors
/// A folder that can't be made.
pub fn run(cells: &[Cell], dir: &Path, device: Option<&str>, watcher: &mut dyn Watcher) -> Result<Outcome, FedError> {
    run_shard(cells, Shard::ALL, dir, device, watcher)
}

/// As [`run`], but the cells of one part of the sweep alone: the outcome is of these. Warm-ups are shared across parts.
///
/// # Errors
/// As [`run`].
pub fn run_shard(
    cells: &[Cell],
    shard: Shard,
    dir: &Path,
    device: Option<&str>,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, FedError> {
    fs::create_dir_all(dir).map_err(FileError::of(dir, "make"))?;
    let mut plan = Plan::of(cells);
    let own = |place: usize| shard.has(place);
    plan.of_cell = plan.of_cell.into_iter().enumerate().filter(|(i, _)| own(*i)).map(|(_, of)| of).collect();
    let cells: Vec<&Cell> = cells.iter().enumerate().filter(|(i, _)| own(*i)).map(|(_, cell)| cell).collect();
    let pending = |cell: &Cell| CellOutcome {
        name: cell.name.clone(),
        row: cell.row,
        seed: cell.seed,
        dir: dir.join(&cell.name),
        result: CellResult::Pending,
    };
    let outcome = Outcome { cells: cells.iter().copied().map(pending).collect(), interrupted: false };
    let warmups = plan.warmups.iter().map(|_| None).collect();
    let mut sweep = Sweep { cells, plan, dir, device, host: Host::default(), warmups, outcome, watcher };
    while sweep.pass() {
        std::thread::sleep(PAUSE);
    }
    Ok(sweep.outcome)
}

struct Sweep<'a> {
    cells: Vec<&'a Cell>,
    plan: Plan,
    dir: &'a Path,
    device: Option<&'a str>,
    host: Host,
    /// What came of each warm-up, once it has ended or failed.
    warmups: Vec<Option<Warmup>>,
    outcome: Outcome,
    watcher: &'a mut dyn Watcher,
}

/// What came of a shared warm-up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Warmup {
    /// Its pivot is there.
    Done,
    /// It diverged or failed: its cells find out for themselves.
    None,
}

/// What came of an attempt at a run.
enum Attempt {
    Ended(Box<Summary>),
    Failed(String),
    /// Another process is at it.
    Busy,
    /// The watcher asked for the end.
    Stopped,
}

impl Sweep<'_> {
    /// Goes once through what is left; whether something is left that others are at work on, and nothing was to be done here.
    fn pass(&mut self) -> bool {
        loop {
            let (mut busy, mut progress) = (false, false);
            for index in 0..self.cells.len() {
                if self.outcome.cells[index].result != CellResult::Pending {
                    continue;
                }
                if self.watcher.stop() {
                    self.outcome.interrupted = true;
                    return false;
                }
                match self.cell(index) {
                    Attempt::Busy => busy = true,
                    Attempt::Stopped => {
                        self.outcome.interrupted = true;
                        return false;
                    }
                    Attempt::Ended(summary) => {
                        self.note(index, CellResult::Ended(summary));
                        progress = true;
                    }
                    Attempt::Failed(why) => {
                        self.note(index, CellResult::Failed(why));
                        progress = true;
                    }
                }
            }
            if !busy || !progress {
                return busy;
            }
        }
    }

    fn note(&mut self, index: usize, result: CellResult) {
        let cell = &mut self.outcome.cells[index];
        cell.result = result;
        self.watcher.outcome(cell);
    }

    fn announce(&mut self, name: &str) {
        let done = self.outcome.cells.iter().filter(|cell| cell.result != CellResult::Pending).count();
        self.watcher.cell(name, done, self.cells.len());
    }

    /// Brings a cell to its end, its warm-up first.
    fn cell(&mut self, index: usize) -> Attempt {
        let cell = self.cells[index];
        let config = match &cell.config {
            Ok(config) => config,
            Err(why) => return Attempt::Failed(why.clone()),
        };
        let path = self.dir.join(&cell.name);
        let began = path.join(CONFIG).is_file();
        let mut from = None;
        if let Some(shared) = self.plan.of_cell[index].filter(|_| !began) {
            let (warmup, attempt) = self.warmup(shared);
            match attempt {
                Some(attempt) => return attempt,
                None => from = warmup,
            }
        }
        self.announce(&cell.name);
        self.attempt(&path, config, from.as_deref())
    }

    /// The folder of a shared warm-up that is over, none where it came to nothing; or what keeps it from being over.
    fn warmup(&mut self, shared: usize) -> (Option<PathBuf>, Option<Attempt>) {
        let (name, config) = (self.plan.warmups[shared].name.clone(), self.plan.warmups[shared].config.clone());
        let path = self.dir.join(WARMUPS).join(&name);
        if self.warmups[shared].is_none() {
            self.announce(&name);
            let came = match self.attempt(&path, &config, None) {
                Attempt::Ended(summary) if summary.status == Status::Done => Warmup::Done,
                Attempt::Ended(_) | Attempt::Failed(_) => Warmup::None,
                attempt => return (None, Some(attempt)),
            };
            self.warmups[shared] = Some(came);
        }
        ((self.warmups[shared] == Some(Warmup::Done)).then_some(path), None)
    }

    /// Starts the run of a folder, from another one's pivot where there is one, or goes on with it.
    fn attempt(&mut self, path: &Path, config: &Config, from: Option<&Path>) -> Attempt {
        let result =
            if path.join(CONFIG).is_file() { self.go_on(path, config) } else { self.begin(path, config, from) };
        match result {
            Ok(summary) if summary.status == Status::Interrupted => Attempt::Stopped,
            Ok(summary) => Attempt::Ended(Box::new(summary)),
            Err(FedError::Folder(FolderError::InUse(_))) => Attempt::Busy,
            // Another process was faster.
            Err(FedError::Folder(FolderError::NotEmpty(_))) if path.join(CONFIG).is_file() => Attempt::Busy,
            Err(error) => Attempt::Failed(error.to_string()),
        }
    }

    fn begin(&mut self, path: &Path, config: &Config, from: Option<&Path>) -> Result<Summary, FedError> {
        if let Some(from) = from {
            let origin = single::Origin::read(from)?;
            return single::fork_on(&origin, config, Some(path), self.device, &mut self.host, self.watcher.observer());
        }
        let selection = Selection::of_config(self.device, &config.device)?;
        single::start_on(config, Some(path), &selection, &mut self.host, self.watcher.observer())
    }

    fn go_on(&mut self, path: &Path, config: &Config) -> Result<Summary, FedError> {
        if let Some(manifest) = Manifest::read(path)? {
            check_config(path, &manifest, config)?;
        }
        single::resume_on(path, self.device, &[], &mut self.host, self.watcher.observer())
    }
}

/// The run in a folder must be the cell's: a description may have changed since.
fn check_config(path: &Path, manifest: &Manifest, config: &Config) -> Result<(), FedError> {
    let began = origin::began(path, manifest)?;
    let mut config = config.clone();
    if config.data.mean.is_empty() {
        // A run's config has the numbers of what the cell's names.
        (config.data.mean, config.data.std) = (began.data.mean.clone(), began.data.std.clone());
    }
    let normalisation = |config: &Config| config.data.normalisation.name().to_owned();
    let (before, now) = (normalisation(&began), normalisation(&config));
    let named = (before != now).then(|| settings::Change { key: "data.normalisation".to_owned(), began: before, now });
    match settings::changes(&began, &config).into_iter().next().or(named) {
        None => Ok(()),
        Some(settings::Change { key, began, now }) => Err(FolderError::Differs {
            path: path.join(CONFIG),
            what: format!("{key} of a run that was begun for this cell"),
            expected: now,
            found: began,
        }
        .into()),
    }
}
