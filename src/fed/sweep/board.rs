//! What the workers of a process know together: which cells are taken, and what came of them.

use std::path::Path;

use super::{Cell, CellOutcome, CellResult, Outcome};

/// Where a shared warm-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmup {
    /// Nobody of this process is at it.
    Free,
    /// A worker is.
    Taken,
    /// Its pivot is there.
    Done,
    /// It diverged or failed: its cells find out for themselves.
    None,
}

/// The board.
pub struct Board {
    taken: Vec<bool>,
    warmups: Vec<Warmup>,
    outcome: Outcome,
}

impl Board {
    /// Before anything is taken.
    pub fn new(cells: &[&Cell], warmups: usize, dir: &Path) -> Self {
        let pending = |cell: &&Cell| CellOutcome {
            name: cell.name.clone(),
            row: cell.row,
            seed: cell.seed,
            dir: dir.join(&cell.name),
            config: cell.config.as_ref().ok().cloned(),
            result: CellResult::Pending,
        };
        let outcome = Outcome { cells: cells.iter().map(pending).collect(), interrupted: false };
        Self { taken: vec![false; cells.len()], warmups: vec![Warmup::Free; warmups], outcome }
    }

    /// Takes a cell that is pending and nobody's; whether it was.
    pub fn take(&mut self, cell: usize) -> bool {
        let free = !self.taken[cell] && self.outcome.cells[cell].result == CellResult::Pending;
        self.taken[cell] |= free;
        free
    }

    /// Gives a cell back as it was.
    pub fn leave(&mut self, cell: usize) {
        self.taken[cell] = false;
    }

    /// Notes what came of a cell.
    pub fn note(&mut self, cell: usize, result: CellResult) -> CellOutcome {
        self.outcome.cells[cell].result = result;
        self.outcome.cells[cell].clone()
    }

    /// Takes a warm-up that is free; how it stood.
    pub fn take_warmup(&mut self, warmup: usize) -> Warmup {
        let stood = self.warmups[warmup];
        if stood == Warmup::Free {
            self.warmups[warmup] = Warmup::Taken;
        }
        stood
    }

    /// Notes how a warm-up stands.
    pub fn set_warmup(&mut self, warmup: usize, stands: Warmup) {
        self.warmups[warmup] = stands;
    }

    /// Someone asked for the end.
    pub fn interrupt(&mut self) {
        self.outcome.interrupted = true;
    }

    /// Cells that have ended or failed.
    pub fn done(&self) -> usize {
        self.outcome.cells.iter().filter(|cell| cell.result != CellResult::Pending).count()
    }

    /// What came of the cells.
    pub fn outcome(self) -> Outcome {
        self.outcome
    }
}
