//! What clients that go on with backprop add to the weights of a round: files beside the ledger, named by its lines with their hash.

use std::path::Path;

use super::error::FedError;
use super::folder::{FolderError, RunFolder};
use crate::files::{self, sha256_hex};
use crate::ledger::{Dense, Round};
use crate::model::ParamTensor;
use crate::weights::{self, LIMIT};

/// Their folder in the ledger's.
pub const FOLDER: &str = "deltas";

/// The name of a round's file, relative to the ledger's folder.
fn name(round: u32) -> String {
    format!("{FOLDER}/{round}.safetensors")
}

/// Writes what round `round` adds: one f32 a value of the weight vector.
///
/// # Errors
/// A file that can't be written.
pub fn write(folder: &RunFolder, tensors: &[ParamTensor], round: u32, values: &[f32]) -> Result<Dense, FedError> {
    let (file, bytes) = (name(round), weights::encode(tensors, values, &[]));
    folder.make(FOLDER)?;
    folder.write(&file, &bytes)?;
    Ok(Dense { file, sha256: sha256_hex(&bytes) })
}

/// Reads what a round of the ledger at `ledger` adds, `None` where it names no file.
///
/// # Errors
/// A file that can't be read, isn't the one that the line names, or isn't the model's.
pub fn read(ledger: &Path, tensors: &[ParamTensor], round: &Round) -> Result<Option<Vec<f32>>, FedError> {
    let Some(Dense { file, sha256 }) = &round.dense else { return Ok(None) };
    let path = files::folder_of(ledger).join(file);
    let bytes = files::read(&path, LIMIT)?;
    let found = sha256_hex(&bytes);
    if !found.eq_ignore_ascii_case(sha256) {
        return Err(FolderError::digest(path, sha256, &found).into());
    }
    Ok(Some(weights::decode(&path, &bytes, tensors)?.values))
}
