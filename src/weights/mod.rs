//! Weights as safetensors files with PyTorch's names and layouts. A file need not be in flat order: the model's table of
//! tensors decides. Other floats than f32 are converted, and the names that PyTorch's wrappers give are taken off; what was done to a
//! file is told to the caller.

mod foreign;
mod load;
mod tensors;
mod write;

use std::path::PathBuf;

pub use load::{Change, Loaded, Note, decode, load, read_bytes};
pub use tensors::TensorFile;
pub use write::{checked, encode, save};

use crate::files::{FileError, Kind, Limit};

/// The largest file of weights: as many f64 as the largest model has values (2^29), and a header.
pub const LIMIT: Limit = Limit { bytes: (8 << 29) + HEADER, what: "a weights file" };
/// Bytes that a safetensors header may take.
const HEADER: u64 = 64 << 20;

/// The metadata key that files of this program carry: SHA-256 of the data behind the header, 64 hex digits.
const DIGEST: &str = "sha256";

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

#[cfg(test)]
mod tests;
