//! `checkpoint/rounds.jsonl`: the digests of each round's lines in `metrics.jsonl` and `ledger.jsonl`, so that what is resumed from is
//! what was written.
//!
//! A line carries the beginning of a SHA-256 over itself and the line before it. Appends are not synced: what a power failure leaves
//! out here is computed again, and gives the same bits.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{CHECKPOINT, FolderError, Lines, ROUNDS, RunFolder};
use crate::files::{self, FileError, sha256_hex};

/// The digests of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundDigests {
    /// Absolute.
    pub round: u32,
    /// SHA-256 of its line in `metrics.jsonl`, line end included.
    pub metrics: String,
    /// Of its line in `ledger.jsonl`; none in the warm-up.
    pub ledger: Option<String>,
    /// The first 16 digits of the SHA-256 of the check before, a space, and the three values above with spaces between.
    check: String,
}

impl RoundDigests {
    fn of(before: Option<&Self>, round: u32, metrics: String, ledger: Option<String>) -> Self {
        let check = check(before, round, &metrics, ledger.as_deref());
        Self { round, metrics, ledger, check }
    }

    fn holds(&self, before: Option<&Self>) -> bool {
        self.check == check(before, self.round, &self.metrics, self.ledger.as_deref())
    }
}

fn check(before: Option<&RoundDigests>, round: u32, metrics: &str, ledger: Option<&str>) -> String {
    let before = before.map_or("", |b| b.check.as_str());
    let text = format!("{before} {round} {metrics} {}", ledger.unwrap_or("-"));
    let mut digest = sha256_hex(text.as_bytes());
    digest.truncate(16);
    digest
}

/// The log, in memory and on disk.
#[derive(Debug)]
pub struct RoundsLog {
    path: PathBuf,
    rounds: Vec<RoundDigests>,
}

impl RoundsLog {
    /// The log of a run that begins.
    ///
    /// # Errors
    /// A folder or file that can't be made.
    pub fn create(folder: &RunFolder) -> Result<Self, FolderError> {
        let dir = folder.path(CHECKPOINT);
        if !dir.is_dir() {
            fs::create_dir_all(&dir).map_err(FileError::of(&dir, "make"))?;
            files::sync_folder(folder.dir())?;
        }
        let path = folder.path(ROUNDS);
        files::write_whole(&path, b"")?;
        Ok(Self { path, rounds: Vec::new() })
    }

    /// Reads it; an empty one where there is none. The second value tells that a damaged last line was left out.
    ///
    /// # Errors
    /// A damaged line that isn't the last.
    pub fn read(folder: &RunFolder) -> Result<(Self, bool), FolderError> {
        let Some(bytes) = folder.read(ROUNDS)? else { return Ok((Self::create(folder)?, false)) };
        Self::parse(folder.path(ROUNDS), &bytes)
    }

    /// The log of these bytes, as [`RoundsLog::read`]; `path` is where they lie.
    ///
    /// # Errors
    /// As [`RoundsLog::read`].
    pub fn parse(path: PathBuf, bytes: &[u8]) -> Result<(Self, bool), FolderError> {
        let lines = Lines::of(bytes);
        let mut rounds: Vec<RoundDigests> = Vec::new();
        let mut damaged = lines.torn;
        for (i, line) in lines.complete.iter().enumerate() {
            let parsed = serde_json::from_slice::<RoundDigests>(line).ok();
            match parsed.filter(|r| r.round as usize == i && r.holds(rounds.last()) && encode(r) == *line) {
                Some(round) => rounds.push(round),
                None if i + 1 == lines.complete.len() => damaged = true,
                None => {
                    let message = format!("line {}: it is not what was written: its check fails", i + 1);
                    return Err(FolderError::Malformed { path, message });
                }
            }
        }
        Ok((Self { path, rounds }, damaged))
    }

    /// The rounds, from round 0 on.
    pub fn rounds(&self) -> &[RoundDigests] {
        &self.rounds
    }

    /// Notes the next round's lines.
    ///
    /// # Errors
    /// A file that has vanished or can't be written.
    pub fn append(&mut self, metrics: &[u8], ledger: Option<&[u8]>) -> Result<(), FolderError> {
        let round = self.rounds.len() as u32;
        let digests = RoundDigests::of(self.rounds.last(), round, sha256_hex(metrics), ledger.map(sha256_hex));
        let line = encode(&digests);
        let write = || OpenOptions::new().append(true).open(&self.path)?.write_all(&line);
        write().map_err(FileError::of(&self.path, "write"))?;
        self.rounds.push(digests);
        Ok(())
    }

    /// Keeps the first `count` rounds, the file whole or as before.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn keep(&mut self, count: usize) -> Result<(), FolderError> {
        self.rounds.truncate(count);
        let bytes: Vec<u8> = self.rounds.iter().flat_map(encode).collect();
        Ok(files::write_whole(&self.path, &bytes)?)
    }

    /// Whether a log's complete lines, from round `first` on, are those noted, all of them and no others.
    pub fn is_whole(&self, lines: &Lines<'_>, first: usize, digest: fn(&RoundDigests) -> Option<&str>) -> bool {
        let noted = self.rounds.get(first..).unwrap_or_default();
        let same = |(line, round): (&&[u8], &RoundDigests)| digest(round).is_some_and(|d| d == sha256_hex(line));
        !lines.torn && lines.complete.len() == noted.len() && lines.complete.iter().zip(noted).all(same)
    }
}

fn encode(digests: &RoundDigests) -> Vec<u8> {
    // Numbers and texts: there is nothing that JSON could refuse.
    let mut line = serde_json::to_vec(digests).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Writes the log anew from lines at hand (a finished run that goes on): `metrics` of every round, `ledger` of those from `first` on.
///
/// # Errors
/// A file that can't be written.
pub fn rebuild(
    folder: &RunFolder,
    metrics: &Lines<'_>,
    ledger: &Lines<'_>,
    first: usize,
) -> Result<RoundsLog, FolderError> {
    let mut log = RoundsLog::create(folder)?;
    for (round, line) in metrics.complete.iter().enumerate() {
        // The ledger's first line is its header.
        let ledger = round.checked_sub(first).and_then(|i| ledger.complete.get(i + 1)).map(|line| sha256_hex(line));
        let digests = RoundDigests::of(log.rounds.last(), round as u32, sha256_hex(line), ledger);
        log.rounds.push(digests);
    }
    let count = log.rounds.len();
    log.keep(count)?;
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_found_and_a_last_line_left_out() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&temporary.path().join("run")).unwrap();
        let mut log = RoundsLog::create(&folder).unwrap();
        log.append(b"a\n", None).unwrap();
        log.append(b"b\n", Some(b"l\n")).unwrap();
        log.append(b"c\n", Some(b"m\n")).unwrap();
        let bytes = std::fs::read(&log.path).unwrap();
        let read = || RoundsLog::read(&folder).map(|(log, damaged)| (log.rounds.len(), damaged));
        assert_eq!(read().unwrap(), (3, false));
        let last = bytes[..bytes.len() - 1].iter().rposition(|&b| b == b'\n').unwrap() + 1;
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            std::fs::write(&log.path, &bad).unwrap();
            match read() {
                Ok((count, damaged)) => assert!(at + 1 >= last && count < 3 && damaged, "byte {at}"),
                Err(e) => assert!(e.to_string().contains("rounds.jsonl: line "), "{e}"),
            }
        }
        std::fs::write(&log.path, &bytes).unwrap();
        log.keep(2).unwrap();
        assert_eq!(read().unwrap(), (2, false));
    }
}
