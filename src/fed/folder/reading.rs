//! Files of a run's folder, which another process may hold.

use std::io;
use std::path::Path;

use super::names::{LOG_LIMIT, SUMMARY};
use super::{FolderError, metrics_log};
use crate::fed::metrics::{RoundMetrics, SCHEMA, Summary};
use crate::files;
use crate::weights;

/// The bytes of a file in a run's folder, which another process may hold; none where there is no file.
///
/// # Errors
/// A file that can't be read.
pub(in crate::fed) fn read_in(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
    let limit = if name.ends_with(".safetensors") { weights::LIMIT } else { LOG_LIMIT };
    match files::read(&folder.join(name), limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// `summary.json` of the run in `folder`, `None` where there is none. `dir` names the folder as it was given, wherever it lay when
/// written.
///
/// # Errors
/// A file that can't be read, or isn't a summary that this version knows.
pub fn read_summary(folder: &Path) -> Result<Option<Summary>, FolderError> {
    let path = folder.join(SUMMARY);
    let bytes = match files::read(&path, LOG_LIMIT) {
        Ok(bytes) => bytes,
        Err(e) if e.source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let mut summary: Summary = serde_json::from_slice(&bytes)
        .map_err(|e| FolderError::Malformed { path: path.clone(), message: e.to_string() })?;
    if !(1..=SCHEMA).contains(&summary.schema) {
        let message = format!("schema: expected 1 to {SCHEMA}, found {}", summary.schema);
        return Err(FolderError::Malformed { path, message });
    }
    summary.dir = folder.display().to_string();
    Ok(Some(summary))
}

/// The lines of `metrics.jsonl`'s bytes, complete ones only; `path` is only named in errors.
pub(in crate::fed) fn parse_metrics(path: &Path, lines: &[&[u8]]) -> Result<Vec<RoundMetrics>, FolderError> {
    metrics_log::parse(path, lines)
}
