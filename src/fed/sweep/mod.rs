//! Many runs of one plan: a folder a cell, warm-ups shared, finished cells never run again.
//!
//! `description` reads a plan from TOML, `plan` says which cells share a warm-up, `runner` runs them one after another on one device,
//! `outcome` holds what came of them. Several processes may work on one folder: the lock of a run's folder keeps them apart.

mod description;
mod outcome;
mod plan;
mod runner;

pub use description::{Description, Row};
pub use outcome::{CellOutcome, CellResult, Outcome, RowFigures, Spread};
pub use runner::{Watcher, run};

use crate::config::Config;

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The name of its folder in the sweep's: the same for the same row and seed, whatever else the sweep has.
    pub name: String,
    /// Which row of the description it belongs to.
    pub row: usize,
    /// The config's seed.
    pub seed: u64,
    /// What is run.
    pub config: Config,
}
