//! What can be wrong with a golden file.

use std::path::PathBuf;

use crate::files::FileError;
use crate::model::ModelError;
use crate::weights::WeightsError;

/// What can be wrong with a golden file.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tensor or the container is wrong.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The model table is wrong, or of a kind that is not available.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelError,
    },
    /// A field is wrong.
    #[error("{}: {message}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, what was expected and found.
        message: String,
    },
}
