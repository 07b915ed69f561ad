//! What can go wrong in a run.

use std::path::PathBuf;

use super::folder::FolderError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::engine::EngineError;
use crate::files::FileError;
use crate::ledger::LedgerError;
use crate::model::ModelError;
use crate::rule::RuleError;
use crate::split::SplitError;
use crate::weights::WeightsError;

/// An error of preparing, running, resuming or replaying.
#[derive(Debug, thiserror::Error)]
pub enum FedError {
    /// A config or `--set`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A partition of the samples.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A model table.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A weights file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A run's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Any other file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A ledger whose rounds can't be applied, or give other weights than it says.
    #[error("{}: {source}", path.display())]
    Rule {
        /// The ledger.
        path: PathBuf,
        /// Which round, and what was expected.
        source: Box<RuleError>,
    },
    /// What is asked for can't be done with this run.
    #[error("{0}")]
    Refused(String),
}
