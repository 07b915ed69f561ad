//! `metrics.jsonl`: a line a round, synced before the round counts.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::folder::FolderError;
use super::metrics::RoundMetrics;
use crate::files::{self, FileError, Limit};

/// About half a million rounds.
const LIMIT: Limit = Limit { bytes: 256 << 20, what: "a log of metrics" };

/// Appends a line and syncs it. The line reaches the file in one write.
pub(super) fn append(path: &Path, metrics: &RoundMetrics) -> Result<(), FolderError> {
    let mut line = serde_json::to_vec(metrics)
        .map_err(|e| FolderError::Malformed { path: path.to_owned(), message: e.to_string() })?;
    line.push(b'\n');
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(&line)?;
        file.sync_data()
    };
    Ok(write().map_err(FileError::of(path, "write"))?)
}

/// The complete lines; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Vec<RoundMetrics>, FolderError> {
    let bytes = content(path)?;
    let lines = complete(&bytes);
    lines.enumerate().map(|(i, line)| parse(path, i + 1, line)).collect()
}

/// Drops what follows the first `keep` lines, a torn last line too, by writing the file anew.
pub(super) fn keep(path: &Path, keep: usize) -> Result<(), FolderError> {
    let bytes = content(path)?;
    let lines: Vec<&[u8]> = complete(&bytes).take(keep).collect();
    if lines.len() < keep {
        let message = format!("expected at least {keep} complete lines to go on from, found {}", lines.len());
        return Err(FolderError::Malformed { path: path.to_owned(), message });
    }
    Ok(files::write_whole(path, &lines.concat())?)
}

fn content(path: &Path) -> Result<Vec<u8>, FolderError> {
    match files::read(path, LIMIT) {
        Err(e) if e.source.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        other => Ok(other?),
    }
}

fn complete(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&b| b == b'\n').filter(|line| line.ends_with(b"\n"))
}

fn parse(path: &Path, number: usize, line: &[u8]) -> Result<RoundMetrics, FolderError> {
    serde_json::from_slice(line).map_err(|e| {
        let message = format!("line {number}: {}", e.to_string().replace(" at line 1 column", " at byte"));
        FolderError::Malformed { path: path.to_owned(), message }
    })
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Phase;
    use super::*;

    fn line(round: u32) -> RoundMetrics {
        RoundMetrics::new(round, Phase::Zo, 0.1, 2)
    }

    fn rounds(path: &Path) -> Vec<u32> {
        read(path).unwrap().iter().map(|m| m.round).collect()
    }

    #[test]
    fn a_log_is_cut_back_to_the_rounds_that_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        assert!(read(&path).unwrap().is_empty());
        keep(&path, 0).unwrap();
        (0..5).for_each(|r| append(&path, &line(r)).unwrap());
        // A kill in the middle of a line.
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(b"{\"round\":5,\"pha");
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(rounds(&path), [0, 1, 2, 3, 4]);
        keep(&path, 3).unwrap();
        append(&path, &line(3)).unwrap();
        assert_eq!(rounds(&path), [0, 1, 2, 3]);
        let text = keep(&path, 5).unwrap_err().to_string();
        assert!(text.contains("metrics.jsonl") && text.contains("at least 5") && text.contains("found 4"), "{text}");
    }

    #[test]
    fn a_bad_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        append(&path, &line(0)).unwrap();
        std::fs::write(&path, [std::fs::read(&path).unwrap(), b"{\"round\":1}\n".to_vec()].concat()).unwrap();
        let text = read(&path).unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains("phase"), "{text}");
    }
}
