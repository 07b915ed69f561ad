//! Many runs of one plan: a folder a cell, warm-ups shared, finished cells never run again.
//!
//! `description` (with `grid` and `seeds`) reads a plan from TOML, `plan` says which cells share a warm-up; `runner` hands cells to each
//! `worker`, which share a `board` and tell what goes on through `remote`; `outcome` and `figures` hold what came of them, `table` prints
//! it; `comparison` (with `paired`) is a sweep over methods, `best` chooses a value, `reproduction` holds the descriptions of the paper's
//! tables and `paper` its values, `index` is the file that names a folder's rows. Several processes may work on one folder: the lock of a
//! run's folder keeps them apart.

mod best;
mod board;
mod comparison;
mod description;
mod figures;
mod grid;
mod index;
mod outcome;
mod paired;
mod paper;
mod plan;
mod remote;
mod reproduction;
mod runner;
mod seeds;
mod shard;
mod table;
mod worker;

pub use best::{Best, SHARE, best};
pub use comparison::{Comparison, Difference, METHODS, MethodRow, Reached, comparison};
pub use description::{Description, Row};
pub use figures::{Figures, clients, has_pivot};
pub use grid::Axis;
pub use index::{INDEX, Index, IndexRow};
pub use outcome::{CellOutcome, CellResult, Outcome, RowFigures, Spread};
pub use paired::Paired;
pub use reproduction::{Reproduction, Size, TABLES};
pub use runner::{Watcher, Workers, run, run_shard};
pub use seeds::parse_seeds;
pub use shard::Shard;
pub use table::{aligned, markdown, mean_text, megabytes, spread_text};

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
