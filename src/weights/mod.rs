//! Weights as safetensors files with PyTorch's names and layouts. A file need not be in flat order: the model's table of
//! tensors decides.

mod tensors;
mod write;

use std::path::{Path, PathBuf};

pub use tensors::TensorFile;
pub use write::{encode, save};

use crate::files::{self, FileError};
use crate::model::ParamTensor;

/// The metadata key that files of this program carry: SHA-256 of the data behind the header, 64 hex digits.
const DIGEST: &str = "sha256";

/// What can be wrong with a safetensors file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
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

/// Reads a model's tensors into a weight vector. `num_batches_tracked` of PyTorch's batch norms is passed over.
///
/// # Errors
/// A file that can't be read or is cut off; a tensor that is missing, not the model's, misshapen, not f32 or not finite.
pub fn load(path: &Path, params: &[ParamTensor]) -> Result<Vec<f32>, WeightsError> {
    decode(path, &files::read(path)?, params)
}

/// As [`load`], of bytes at hand; `path` is only named in errors.
///
/// # Errors
/// As [`load`].
pub fn decode(path: &Path, bytes: &[u8], params: &[ParamTensor]) -> Result<Vec<f32>, WeightsError> {
    let file = TensorFile::parse(path, bytes)?;
    // PyTorch counts batches in a tensor that no norm with a fixed momentum reads.
    let known = |name: &str| name.ends_with(".num_batches_tracked") || params.iter().any(|p| p.name == name);
    if let Some(extra) = file.names().into_iter().find(|name| !known(name)) {
        return Err(file.error(extra, "the model has no tensor of this name".to_owned()));
    }
    file.flat("", params)
}

#[cfg(test)]
mod tests;
