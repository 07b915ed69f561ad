//! What a resumed run starts from: `checkpoint/state.json`, and the weights it names beside it, with the server's moments where it keeps such.
//!
//! A checkpoint counts once `state.json` is renamed into place, and the files it names are whole and on disk before that, under
//! names of their own each round. So a kill at any moment leaves the checkpoint before or the one after.
//!
//! Checkpoints are made in the warm-up, whose weights nothing else holds. In the zeroth-order phase the pivot and the ledger are
//! the state: what follows the last whole round is cut off.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::metrics::{RoundMetrics, SCHEMA};
use super::super::sealed;
use super::{CHECKPOINT, FolderError, RunFolder};
use crate::files::{self, FileError};
use crate::weights::LIMIT;

const STATE: &str = "state.json";
const WEIGHTS_PREFIX: &str = "weights-";
const MOMENTS_PREFIX: &str = "moments-";

/// The state of a run between two rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Version of the folder's files.
    pub schema: u32,
    /// The first round (absolute) that is still to be done; as many lines of `metrics.jsonl` belong to those before it.
    pub next_round: u32,
    /// The last round's line of `metrics.jsonl`, in case that file loses it.
    pub line: RoundMetrics,
    /// The safetensors file beside `state.json`.
    pub weights_file: String,
    /// SHA-256 of its content.
    pub weights_sha256: String,
    /// The server's moments, where it keeps such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<Stored>,
}

/// A file beside `state.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Its name.
    pub file: String,
    /// SHA-256 of its content.
    pub sha256: String,
}

impl Checkpoint {
    /// Saves the state after the round of `line`, with the weights, and the server's moments where it keeps such, as the bytes of safetensors
    /// files.
    ///
    /// # Errors
    /// A file or folder that can't be written; then the checkpoint before counts.
    pub fn save(
        folder: &RunFolder,
        line: &RoundMetrics,
        weights: &[u8],
        moments: Option<&[u8]>,
    ) -> Result<(), FolderError> {
        let dir = folder.path(CHECKPOINT);
        let state = store(&dir, line, weights, moments)?;
        commit(&dir, &state)?;
        tidy(&dir, &state)
    }

    /// The state saved last; `None`: none yet, the run starts from its beginning.
    ///
    /// # Errors
    /// A state of another version, or one that can't be read.
    pub fn load(folder: &RunFolder) -> Result<Option<Self>, FolderError> {
        load(&folder.path(CHECKPOINT))
    }

    /// Where its weights are.
    pub fn weights_path(&self, folder: &RunFolder) -> PathBuf {
        folder.path(CHECKPOINT).join(&self.weights_file)
    }

    /// The bytes of its weights.
    ///
    /// # Errors
    /// A file that can't be read, or isn't the one that was saved.
    pub fn weights(&self, folder: &RunFolder) -> Result<Vec<u8>, FolderError> {
        weights(&folder.path(CHECKPOINT), self)
    }

    /// Where the server's moments are, and their bytes.
    ///
    /// # Errors
    /// There are none; a file that can't be read, or isn't the one that was saved.
    pub fn moments(&self, folder: &RunFolder) -> Result<(PathBuf, Vec<u8>), FolderError> {
        let dir = folder.path(CHECKPOINT);
        let Some(stored) = &self.moments else {
            let message = "moments: missing, expected those of the server's optimiser".to_owned();
            return Err(FolderError::Malformed { path: dir.join(STATE), message });
        };
        Ok((dir.join(&stored.file), whole(&dir, &stored.file, &stored.sha256)?))
    }
}

/// First step of a checkpoint: weights and moments, whole, under names that no committed state of another round uses.
fn store(dir: &Path, line: &RoundMetrics, weights: &[u8], moments: Option<&[u8]>) -> Result<Checkpoint, FolderError> {
    if !dir.is_dir() {
        fs::create_dir_all(dir).map_err(FileError::of(dir, "make"))?;
        files::sync_folder(files::folder_of(dir))?;
    }
    let next_round = line.round + 1;
    let write = |prefix: &str, bytes: &[u8]| {
        let file = format!("{prefix}{next_round}.safetensors");
        files::write_whole(&dir.join(&file), bytes)?;
        Ok::<_, FolderError>(Stored { file, sha256: files::sha256_hex(bytes) })
    };
    let moments = moments.map(|bytes| write(MOMENTS_PREFIX, bytes)).transpose()?;
    let Stored { file: weights_file, sha256: weights_sha256 } = write(WEIGHTS_PREFIX, weights)?;
    Ok(Checkpoint { schema: SCHEMA, next_round, line: line.clone(), weights_file, weights_sha256, moments })
}

/// Second step: makes the state the one that counts, all or nothing.
fn commit(dir: &Path, state: &Checkpoint) -> Result<(), FolderError> {
    sealed::write(&dir.join(STATE), state)
}

/// Last step: removes what the committed state doesn't name: older weights and moments, and files cut short by a kill.
fn tidy(dir: &Path, state: &Checkpoint) -> Result<(), FolderError> {
    for entry in fs::read_dir(dir).map_err(FileError::of(dir, "list"))? {
        let entry = entry.map_err(FileError::of(dir, "list"))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let old = [WEIGHTS_PREFIX, MOMENTS_PREFIX].iter().any(|prefix| name.starts_with(prefix));
        let stray = old || (name.starts_with('.') && name.ends_with(".part"));
        if stray && name != state.weights_file && state.moments.as_ref().is_none_or(|stored| name != stored.file) {
            fs::remove_file(entry.path()).map_err(FileError::of(&entry.path(), "remove"))?;
        }
    }
    Ok(())
}

fn load(dir: &Path) -> Result<Option<Checkpoint>, FolderError> {
    let path = dir.join(STATE);
    let Some(state) = sealed::read::<Checkpoint>(&path)? else { return Ok(None) };
    let malformed = |message: String| FolderError::Malformed { path: path.clone(), message };
    if state.schema != SCHEMA {
        return Err(malformed(format!("schema: expected {SCHEMA}, found {}", state.schema)));
    }
    if state.line.round.checked_add(1) != Some(state.next_round) {
        return Err(malformed(format!("next_round: expected {} + 1, found {}", state.line.round, state.next_round)));
    }
    let moments = state.moments.as_ref().map(|stored| ("moments", &stored.file));
    for (field, file) in [("weights_file", &state.weights_file)].into_iter().chain(moments) {
        if Path::new(file).file_name() != Some(file.as_ref()) {
            return Err(malformed(format!("{field}: expected a file beside this one, found {file:?}")));
        }
    }
    Ok(Some(state))
}

fn weights(dir: &Path, state: &Checkpoint) -> Result<Vec<u8>, FolderError> {
    whole(dir, &state.weights_file, &state.weights_sha256)
}

/// The bytes of a file whose digest is known.
fn whole(dir: &Path, file: &str, sha256: &str) -> Result<Vec<u8>, FolderError> {
    let path = dir.join(file);
    let bytes = files::read(&path, LIMIT)?;
    let found = files::sha256_hex(&bytes);
    if found != sha256 {
        return Err(FolderError::digest(path, sha256, &found));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::super::metrics::Phase;
    use super::*;

    fn line(next_round: u32) -> RoundMetrics {
        RoundMetrics::new(next_round - 1, Phase::Warmup, 0.5, 2)
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut list: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        list.sort();
        list
    }

    fn loaded(dir: &Path) -> (u32, Vec<u8>) {
        let state = load(dir).unwrap().unwrap();
        (state.next_round, weights(dir, &state).unwrap())
    }

    #[test]
    fn a_kill_between_any_two_steps_leaves_a_whole_checkpoint() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = &temporary.path().join(CHECKPOINT);
        assert!(load(dir).unwrap().is_none());
        // Killed after the first weights: nothing is committed.
        let first = store(dir, &line(1), b"one", Some(b"m1")).unwrap();
        assert!(load(dir).unwrap().is_none());
        commit(dir, &first).unwrap();
        assert_eq!(loaded(dir), (1, b"one".to_vec()));
        // Killed after the next weights: the state before counts, with its own weights.
        let second = store(dir, &line(2), b"two", Some(b"m2")).unwrap();
        assert_eq!(loaded(dir), (1, b"one".to_vec()));
        // Killed in the middle of writing the state.
        fs::write(dir.join(".state.json.77-3.part"), b"{\"schema\":1,").unwrap();
        assert_eq!(loaded(dir), (1, b"one".to_vec()));
        // Killed before tidying: the new state counts, older files lie about.
        commit(dir, &second).unwrap();
        assert_eq!(loaded(dir), (2, b"two".to_vec()));
        assert_eq!(
            names(dir),
            [
                ".state.json.77-3.part",
                "moments-1.safetensors",
                "moments-2.safetensors",
                "state.json",
                "weights-1.safetensors",
                "weights-2.safetensors"
            ]
        );
        tidy(dir, &second).unwrap();
        assert_eq!(names(dir), ["moments-2.safetensors", "state.json", "weights-2.safetensors"]);
        assert_eq!(load(dir).unwrap(), Some(second));
    }

    #[test]
    fn a_killed_round_is_done_again_over_its_leftovers() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&temporary.path().join("run")).unwrap();
        Checkpoint::save(&folder, &line(4), b"four", Some(b"moments")).unwrap();
        let dir = folder.path(CHECKPOINT);
        store(&dir, &line(5), b"torn", Some(b"torn")).unwrap();
        Checkpoint::save(&folder, &line(5), b"five", None).unwrap();
        let state = Checkpoint::load(&folder).unwrap().unwrap();
        assert_eq!((state.next_round, &state.line), (5, &line(5)));
        assert_eq!(state.weights(&folder).unwrap(), b"five");
        assert!(state.moments(&folder).unwrap_err().to_string().contains("moments: missing"));
        assert_eq!(names(&dir), ["state.json", "weights-5.safetensors"]);
    }

    #[test]
    fn damage_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path();
        let state = store(dir, &line(4), b"four", None).unwrap();
        commit(dir, &state).unwrap();
        fs::write(dir.join("weights-4.safetensors"), b"fuor").unwrap();
        let text = weights(dir, &state).unwrap_err().to_string();
        assert!(text.contains("weights-4.safetensors") && text.contains("SHA-256"), "{text}");
        fs::remove_file(dir.join("weights-4.safetensors")).unwrap();
        assert!(weights(dir, &state).unwrap_err().to_string().contains("weights-4.safetensors"));
        commit(dir, &Checkpoint { weights_file: "../final.safetensors".to_owned(), ..state.clone() }).unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("beside this one"));
        let moments = Some(Stored { file: "/etc/passwd".to_owned(), sha256: String::new() });
        commit(dir, &Checkpoint { moments, ..state.clone() }).unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("moments: expected a file beside"));
        commit(dir, &Checkpoint { schema: SCHEMA + 1, ..state }).unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("schema"));
        fs::write(dir.join(STATE), b"{\"schema\":1").unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("state.json"));
    }
}
