//! What can go wrong in the check of golden files.

use std::path::PathBuf;

use crate::device::DeviceError;
use crate::engine::EngineError;
use crate::fed::FedError;
use crate::golden::GoldenError;

/// What can go wrong in the check of golden files.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A golden file.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// A file of differences and its pass are of different models.
    #[error("{}: params: expected {expected}, as {} has, found {found}", path.display(), pass.display())]
    Params {
        /// The file of differences.
        path: PathBuf,
        /// The pass it names.
        pass: PathBuf,
        /// Parameters of the pass's model.
        expected: usize,
        /// As the file says.
        found: usize,
    },
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A federation's rounds.
    #[error(transparent)]
    Fed(#[from] FedError),
}
