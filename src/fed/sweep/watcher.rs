//! Who watches a sweep.

use super::CellOutcome;
use crate::fed::observer::{Observer, Silent};

/// Someone who watches a sweep, and each of its runs.
pub trait Watcher: Observer {
    /// What comes next, and all calls of an observer, is of this worker's run.
    fn worker(&mut self, worker: usize) {
        let _ = worker;
    }

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
