//! `metrics.jsonl`: a line a round, synced before the round counts.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::super::metrics::RoundMetrics;
use super::FolderError;
use crate::files::FileError;

/// Appends a line to a file that is there, and syncs it. The line reaches the file in one write; it is returned.
pub(super) fn append(path: &Path, metrics: &RoundMetrics) -> Result<Vec<u8>, FolderError> {
    let line = encode(path, metrics)?;
    let write = || {
        // Never made here: a log that has vanished is an error, not a new log.
        let mut file = OpenOptions::new().append(true).open(path)?;
        file.write_all(&line)?;
        file.sync_data()
    };
    write().map_err(FileError::of(path, "write"))?;
    Ok(line)
}

fn encode(path: &Path, metrics: &RoundMetrics) -> Result<Vec<u8>, FolderError> {
    let mut line = serde_json::to_vec(metrics)
        .map_err(|e| FolderError::Malformed { path: path.to_owned(), message: e.to_string() })?;
    line.push(b'\n');
    Ok(line)
}

/// The lines as metrics.
pub(super) fn parse(path: &Path, lines: &[&[u8]]) -> Result<Vec<RoundMetrics>, FolderError> {
    let line = |(i, line): (usize, &&[u8])| {
        serde_json::from_slice(line).map_err(|e| {
            let message = format!("line {}: {}", i + 1, e.to_string().replace(" at line 1 column", " at byte"));
            FolderError::Malformed { path: path.to_owned(), message }
        })
    };
    lines.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::metrics::Phase;
    use super::super::Lines;
    use super::*;

    #[test]
    fn lines_are_appended_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let line = |round| RoundMetrics::new(round, Phase::Zo, 0.1, 2);
        assert!(append(&path, &line(0)).unwrap_err().to_string().contains("metrics.jsonl"), "it is not there");
        std::fs::write(&path, b"").unwrap();
        let written: Vec<u8> = (0..5).flat_map(|r| append(&path, &line(r)).unwrap()).collect();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(written, bytes);
        let rounds = parse(&path, &Lines::of(&bytes).complete).unwrap();
        assert!(rounds.len() == 5 && rounds.iter().enumerate().all(|(i, m)| m.round as usize == i));
    }

    #[test]
    fn a_bad_line_is_named() {
        let path = Path::new("metrics.jsonl");
        let good = encode(path, &RoundMetrics::new(0, Phase::Zo, 0.1, 2)).unwrap();
        let text = parse(path, &[&good[..], b"{\"round\":1}\n"]).unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains("phase"), "{text}");
    }
}
