//! Running a sweep: each worker takes one cell after another, on a device of its own.
//!
//! Nothing is remembered but the runs' folders. A cell whose folder holds a finished run isn't run again, one that was cut short goes
//! on. Another process at work on the same sweep holds the locks of its cells: they are passed over, and looked at again at the end.
//! Workers of one process share a board of what is taken.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::board::Board;
use super::plan::Plan;
use super::remote::{Event, Remote};
use super::worker::Worker;
use super::{Cell, Outcome, Shard, Watcher};
use crate::fed::error::FedError;
use crate::files::FileError;

/// How often someone who watches is asked whether to stop, at least.
const TICK: Duration = Duration::from_millis(200);

/// Who computes: a worker each, with the device that it asks for (as `--device`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workers(Vec<Option<String>>);

impl Workers {
    /// One of them.
    pub fn one(device: Option<&str>) -> Self {
        Self(vec![device.map(str::to_owned)])
    }

    /// So many on each of these devices, at least one.
    pub fn each(devices: &[Option<String>], jobs: usize) -> Self {
        let devices = if devices.is_empty() { &[None] } else { devices };
        Self((0..jobs.max(1)).flat_map(|_| devices.to_vec()).collect())
    }

    /// No more than there are cells.
    #[must_use]
    pub fn at_most(mut self, cells: usize) -> Self {
        self.0.truncate(cells.max(1));
        self
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Runs the cells of a sweep that have not ended, each in a folder of its name below `dir`, one after another. A cell that fails doesn't
/// end the rest: the outcome says why it did. `device` is as `--device`.
///
/// # Errors
/// A folder that can't be made.
pub fn run(cells: &[Cell], dir: &Path, device: Option<&str>, watcher: &mut dyn Watcher) -> Result<Outcome, FedError> {
    run_shard(cells, Shard::ALL, dir, &Workers::one(device), watcher)
}

/// As [`run`], but the cells of one part of the sweep alone, by several workers: the outcome is of these cells. Warm-ups are shared across
/// parts. Results are the same bits however many workers there are.
///
/// # Errors
/// As [`run`].
pub fn run_shard(
    cells: &[Cell],
    shard: Shard,
    dir: &Path,
    workers: &Workers,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, FedError> {
    fs::create_dir_all(dir).map_err(FileError::of(dir, "make"))?;
    let mut plan = Plan::of(cells);
    let own = |place: usize| shard.has(place);
    plan.of_cell = plan.of_cell.into_iter().enumerate().filter(|(i, _)| own(*i)).map(|(_, of)| of).collect();
    let cells: Vec<&Cell> = cells.iter().enumerate().filter(|(i, _)| own(*i)).map(|(_, cell)| cell).collect();
    let board = Mutex::new(Board::new(&cells, plan.warmups.len(), dir));
    let worker = |device: &Option<String>| Worker::new(&cells, &plan, dir, device.clone(), &board);
    match &workers.0[..] {
        [device] => worker(device).work(watcher),
        devices => together(devices.iter().map(worker).collect(), watcher),
    }
    Ok(board.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).outcome())
}

/// Has workers work at once, a thread each; what they tell comes to the watcher in this one.
fn together(workers: Vec<Worker<'_>>, watcher: &mut dyn Watcher) {
    let (stop, (sender, receiver)) = (AtomicBool::new(false), mpsc::channel::<(usize, Event)>());
    std::thread::scope(|scope| {
        for (number, mut worker) in workers.into_iter().enumerate() {
            let mut remote = Remote::new(number, sender.clone(), &stop);
            scope.spawn(move || worker.work(&mut remote));
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(TICK) {
                Ok((number, event)) => {
                    watcher.worker(number);
                    event.tell(watcher);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if watcher.stop() {
                stop.store(true, Ordering::Relaxed);
            }
        }
    });
}
