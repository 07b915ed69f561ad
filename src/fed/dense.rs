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

/// Bytes that the files of `rounds` rounds take.
pub fn bytes(tensors: &[ParamTensor], rounds: u32) -> u64 {
    // A file's header has a line a tensor.
    let file: u64 = tensors.iter().map(|tensor| 4 * tensor.len as u64 + 128).sum();
    file * u64::from(rounds)
}

/// Refuses files that the file system of `folder` has no room for; tells what they take.
///
/// # Errors
/// Fewer bytes are free, where that can be told.
pub fn check_room(folder: &Path, needed: u64) -> Result<(), FedError> {
    match free_bytes(folder) {
        Some(free) if free < needed => Err(FedError::Refused(format!(
            "{}: the weights that clients add in zeroth-order rounds will take {needed} bytes, {free} are free (fewer zo.rounds, or zo.participants \"all\" or \"low\", need less)",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Bytes that are free for this user where `folder` lies, or will lie.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let there = std::path::absolute(folder).ok()?;
    let there = there.ancestors().find(|path| path.exists())?.to_owned();
    let system = rustix::fs::statvfs(&there).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Can't be told.
#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
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
