//! Many runs of one plan: a folder a cell, warm-ups shared, finished cells never run again.
//!
//! `description` (with `grid` and `seeds`) reads a plan from TOML, `plan` says which cells share a warm-up, `runner` runs them one after
//! another on one device, `outcome` holds what came of them, `table` prints it; `comparison` is a sweep over methods. Several processes may work on one folder: the lock of a run's folder keeps them apart.

mod comparison;
mod description;
mod grid;
mod outcome;
mod plan;
mod runner;
mod seeds;
mod shard;
mod table;

pub use comparison::{Comparison, METHODS, MethodRow, comparison};
pub use description::{Description, Row};
pub use grid::Axis;
pub use outcome::{CellOutcome, CellResult, Outcome, RowFigures, Spread};
pub use runner::{Watcher, run, run_shard};
pub use seeds::parse_seeds;
pub use shard::Shard;
pub use table::{aligned, markdown, mean_text, spread_text};

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
    /// What its row sets, over the preset: keys and values.
    pub set: Vec<(String, toml::Value)>,
    /// What is run; or why it can't be.
    pub config: Result<Config, String>,
}
