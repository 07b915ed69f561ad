//! What can be wrong with a file of weights.

use std::path::PathBuf;

use crate::files::{FileError, Kind};

/// What can be wrong with a safetensors file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of another kind.
    #[error("{}: expected a safetensors file, found {kind}; {advice}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: Kind,
        /// What to do about it.
        advice: String,
    },
    /// Not a whole safetensors file.
    #[error("{}: not a whole safetensors file of {bytes} bytes: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: usize,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A tensor that is missing, unknown, of another shape or type, or holds values it must not.
    #[error("{}: tensor `{tensor}`: {message}", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Its name.
        tensor: String,
        /// What was expected and found.
        message: String,
    },
    /// Data that aren't those that were written: the file's metadata carries their digest.
    #[error("{}: the tensors are not what was written: their SHA-256 is {found}, expected {expected} as the metadata says", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// As the metadata says.
        expected: String,
        /// Of the data.
        found: String,
    },
    /// A flat vector that isn't the model's.
    #[error("{}: expected {expected} weights, found {found}", path.display())]
    Length {
        /// The file to write.
        path: PathBuf,
        /// The model's number of parameters.
        expected: usize,
        /// The vector's.
        found: usize,
    },
}
