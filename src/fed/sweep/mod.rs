//! Many runs of one plan: a folder a cell, warm-ups shared, finished cells never run again.
//!
//! `description` (with `grid` and `seeds`) reads a plan from TOML, `plan` says which cells share a warm-up; `runner` hands cells to each
//! `worker`, which share a `board` and tell what goes on through `remote`; `outcome` and `figures` hold what came of them, `table` prints
//! it; `comparison` (with `paired`) is a sweep over methods, `best` chooses a value, `reproduction` holds the descriptions of the paper's
//! tables and `paper` its values, `index` is the file that names a folder's rows. Several processes may work on one folder: the lock of a
//! run's folder keeps them apart.

mod best;
mod board;
mod cell;
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
mod row;
mod runner;
mod seeds;
mod shard;
mod table;
mod watcher;
mod worker;

pub use best::{Best, SHARE, best};
pub use cell::Cell;
pub use comparison::{Comparison, Difference, METHODS, MethodRow, Reached, comparison};
pub use description::Description;
pub use figures::{Figures, clients, has_pivot};
pub use grid::Axis;
pub use index::{INDEX, Index, IndexRow};
pub use outcome::{CellOutcome, CellResult, Outcome, RowFigures, Spread};
pub use paired::Paired;
pub use reproduction::{Reproduction, Size, TABLES};
pub use row::Row;
pub use runner::{Workers, run, run_shard};
pub use seeds::parse_seeds;
pub use shard::Shard;
pub use table::{aligned, markdown, mean_text, megabytes, spread_text};
pub use watcher::Watcher;
