//! A worker of a sweep: cells one after another, on one device that is opened once.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::board::{Board, Warmup};
use super::plan::Plan;
use super::{Cell, CellResult, Watcher};
use crate::config::Config;
use crate::device::Selection;
use crate::fed::error::FedError;
use crate::fed::folder::{CONFIG, FolderError, Manifest};
use crate::fed::metrics::{Status, Summary};
use crate::fed::{Host, origin, run as single, settings};

/// The folder of the shared warm-ups in the sweep's.
const WARMUPS: &str = "warmups";
/// How long others are waited for before their cells are looked at again.
const PAUSE: Duration = Duration::from_millis(200);

/// A worker.
pub struct Worker<'a> {
    cells: &'a [&'a Cell],
    plan: &'a Plan,
    dir: &'a Path,
    device: Option<String>,
    host: Host,
    board: &'a Mutex<Board>,
}

/// What came of an attempt at a run.
enum Attempt {
    Ended(Box<Summary>),
    Failed(String),
    /// Another worker or process is at it.
    Busy,
    /// The watcher asked for the end.
    Stopped,
}

impl<'a> Worker<'a> {
    /// On a device, as `--device`, that is opened with its first cell.
    pub fn new(
        cells: &'a [&'a Cell],
        plan: &'a Plan,
        dir: &'a Path,
        device: Option<String>,
        board: &'a Mutex<Board>,
    ) -> Self {
        Self { cells, plan, dir, device, host: Host::default(), board }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes cells until none is left that isn't another worker's, or the watcher asks for the end.
    pub fn work(&mut self, watcher: &mut dyn Watcher) {
        loop {
            let (mut busy, mut progress) = (false, false);
            for index in 0..self.cells.len() {
                if !self.board().take(index) {
                    continue;
                }
                let attempt = if watcher.stop() { Attempt::Stopped } else { self.cell(index, watcher) };
                let result = match attempt {
                    Attempt::Busy => {
                        self.board().leave(index);
                        busy = true;
                        continue;
                    }
                    Attempt::Stopped => {
                        self.board().leave(index);
                        self.board().interrupt();
                        return;
                    }
                    Attempt::Ended(summary) => CellResult::Ended(summary),
                    Attempt::Failed(why) => CellResult::Failed(why),
                };
                let cell = self.board().note(index, result);
                watcher.outcome(&cell);
                progress = true;
            }
            if !busy {
                return;
            }
            if !progress {
                std::thread::sleep(PAUSE);
            }
        }
    }

    fn announce(&self, name: &str, watcher: &mut dyn Watcher) {
        let done = self.board().done();
        watcher.cell(name, done, self.cells.len());
    }

    /// Brings a cell to its end, its warm-up first.
    fn cell(&mut self, index: usize, watcher: &mut dyn Watcher) -> Attempt {
        let cell = self.cells[index];
        let config = match &cell.config {
            Ok(config) => config,
            Err(why) => return Attempt::Failed(why.clone()),
        };
        let path = self.dir.join(&cell.name);
        let began = path.join(CONFIG).is_file();
        let mut from = None;
        if let Some(shared) = self.plan.of_cell[index].filter(|_| !began) {
            match self.warmup(shared, watcher) {
                Ok(warmup) => from = warmup,
                Err(attempt) => return attempt,
            }
        }
        self.announce(&cell.name, watcher);
        self.attempt(&path, config, from.as_deref(), watcher)
    }

    /// The folder of a shared warm-up that is over, none where it came to nothing; or what keeps it from being over.
    fn warmup(&mut self, shared: usize, watcher: &mut dyn Watcher) -> Result<Option<PathBuf>, Attempt> {
        let warmup = &self.plan.warmups[shared];
        let path = self.dir.join(WARMUPS).join(&warmup.name);
        let stood = self.board().take_warmup(shared);
        match stood {
            Warmup::Done => return Ok(Some(path)),
            Warmup::None => return Ok(None),
            Warmup::Taken => return Err(Attempt::Busy),
            Warmup::Free => {}
        }
        self.announce(&warmup.name, watcher);
        let (stands, attempt) = match self.attempt(&path, &warmup.config, None, watcher) {
            Attempt::Ended(summary) if summary.status == Status::Done => (Warmup::Done, None),
            Attempt::Ended(_) | Attempt::Failed(_) => (Warmup::None, None),
            attempt => (Warmup::Free, Some(attempt)),
        };
        self.board().set_warmup(shared, stands);
        attempt.map_or_else(|| Ok((stands == Warmup::Done).then_some(path)), Err)
    }

    /// Starts the run of a folder, from another one's pivot where there is one, or goes on with it.
    fn attempt(&mut self, path: &Path, config: &Config, from: Option<&Path>, watcher: &mut dyn Watcher) -> Attempt {
        let began = path.join(CONFIG).is_file();
        let result = if began { self.go_on(path, config, watcher) } else { self.begin(path, config, from, watcher) };
        match result {
            Ok(summary) if summary.status == Status::Interrupted => Attempt::Stopped,
            Ok(summary) => Attempt::Ended(Box::new(summary)),
            Err(FedError::Folder(FolderError::InUse(_))) => Attempt::Busy,
            // Another process was faster.
            Err(FedError::Folder(FolderError::NotEmpty(_))) if path.join(CONFIG).is_file() => Attempt::Busy,
            Err(error) => Attempt::Failed(error.to_string()),
        }
    }

    fn begin(
        &mut self,
        path: &Path,
        config: &Config,
        from: Option<&Path>,
        watcher: &mut dyn Watcher,
    ) -> Result<Summary, FedError> {
        if let Some(from) = from {
            let origin = single::Origin::read(from)?;
            return single::fork_on(
                &origin,
                config,
                Some(path),
                self.device.as_deref(),
                &mut self.host,
                watcher.observer(),
            );
        }
        let selection = Selection::of_config(self.device.as_deref(), &config.device)?;
        single::start_on(config, Some(path), &selection, &mut self.host, watcher.observer())
    }

    fn go_on(&mut self, path: &Path, config: &Config, watcher: &mut dyn Watcher) -> Result<Summary, FedError> {
        if let Some(manifest) = Manifest::read(path)? {
            check_config(path, &manifest, config)?;
        }
        single::resume_on(path, self.device.as_deref(), &[], &mut self.host, watcher.observer())
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
        Some(settings::Change { key, began, now }) => {
            let path = path.display();
            Err(FedError::Refused(format!(
                "{path}: this folder's run was begun with {key} = {began}, and the cell of this name has {now} now: give its row another label, or \
                 the sweep another --out, to run it beside that one; or remove {path} to run it in its place"
            )))
        }
    }
}
