//! What a resumed run starts from: `checkpoint/state.json`, and the weights it names beside it.
//!
//! A checkpoint counts once `state.json` is renamed into place, and the weights it names are whole and on disk before that, under
//! a name of their own each round. So a kill at any moment leaves the checkpoint before or the one after.
//!
//! Checkpoints are made in the warm-up, whose weights nothing else holds. In the zeroth-order phase the pivot and the ledger are
//! the state: what follows the last whole round is cut off.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::metrics::{RoundMetrics, SCHEMA};
use super::super::sealed;
use super::{FolderError, RunFolder};
use crate::files::{self, FileError};
use crate::weights::LIMIT;

/// Its folder in the run's.
pub(in crate::fed) const FOLDER: &str = "checkpoint";
const STATE: &str = "state.json";
const WEIGHTS_PREFIX: &str = "weights-";

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
}

impl Checkpoint {
    /// Saves the state after the round of `line`, with the weights as the bytes of a safetensors file.
    ///
    /// # Errors
    /// A file or folder that can't be written; then the checkpoint before counts.
    pub fn save(folder: &RunFolder, line: &RoundMetrics, safetensors: &[u8]) -> Result<(), FolderError> {
        let dir = folder.path(FOLDER);
        let state = store(&dir, line, safetensors)?;
        commit(&dir, &state)?;
        tidy(&dir, &state)
    }

    /// The state saved last; `None`: none yet, the run starts from its beginning.
    ///
    /// # Errors
    /// A state of another version, or one that can't be read.
    pub fn load(folder: &RunFolder) -> Result<Option<Self>, FolderError> {
        load(&folder.path(FOLDER))
    }

    /// Where its weights are.
    pub fn weights_path(&self, folder: &RunFolder) -> PathBuf {
        folder.path(FOLDER).join(&self.weights_file)
    }

    /// The bytes of its weights.
    ///
    /// # Errors
    /// A file that can't be read, or isn't the one that was saved.
    pub fn weights(&self, folder: &RunFolder) -> Result<Vec<u8>, FolderError> {
        weights(&folder.path(FOLDER), self)
    }
}

/// First step of a checkpoint: the weights, whole, under a name that no committed state of another round uses.
fn store(dir: &Path, line: &RoundMetrics, safetensors: &[u8]) -> Result<Checkpoint, FolderError> {
    if !dir.is_dir() {
        fs::create_dir_all(dir).map_err(FileError::of(dir, "make"))?;
        files::sync_folder(files::folder_of(dir))?;
    }
    let next_round = line.round + 1;
    let weights_file = format!("{WEIGHTS_PREFIX}{next_round}.safetensors");
    files::write_whole(&dir.join(&weights_file), safetensors)?;
    let weights_sha256 = files::sha256_hex(safetensors);
    Ok(Checkpoint { schema: SCHEMA, next_round, line: line.clone(), weights_file, weights_sha256 })
}

/// Second step: makes the state the one that counts, all or nothing.
fn commit(dir: &Path, state: &Checkpoint) -> Result<(), FolderError> {
    sealed::write(&dir.join(STATE), state)
}

/// Last step: removes what the committed state doesn't name: older weights, and files cut short by a kill.
fn tidy(dir: &Path, state: &Checkpoint) -> Result<(), FolderError> {
    for entry in fs::read_dir(dir).map_err(FileError::of(dir, "list"))? {
        let entry = entry.map_err(FileError::of(dir, "list"))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let stray = name.starts_with(WEIGHTS_PREFIX) || (name.starts_with('.') && name.ends_with(".part"));
        if stray && name != state.weights_file {
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
    if Path::new(&state.weights_file).file_name() != Some(state.weights_file.as_ref()) {
        return Err(malformed(format!(
            "weights_file: expected a file beside this one, found {:?}",
            state.weights_file
        )));
    }
    Ok(Some(state))
}

fn weights(dir: &Path, state: &Checkpoint) -> Result<Vec<u8>, FolderError> {
    let path = dir.join(&state.weights_file);
    let bytes = files::read(&path, LIMIT)?;
    let found = files::sha256_hex(&bytes);
    if found != state.weights_sha256 {
        return Err(FolderError::digest(path, &state.weights_sha256, &found));
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
        let dir = &temporary.path().join(FOLDER);
        assert!(load(dir).unwrap().is_none());
        // Killed after the first weights: nothing is committed.
        let first = store(dir, &line(1), b"one").unwrap();
        assert!(load(dir).unwrap().is_none());
        commit(dir, &first).unwrap();
        assert_eq!(loaded(dir), (1, b"one".to_vec()));
        // Killed after the next weights: the state before counts, with its own weights.
        let second = store(dir, &line(2), b"two").unwrap();
        assert_eq!(loaded(dir), (1, b"one".to_vec()));
        // Killed in the middle of writing the state.
        fs::write(dir.join(".state.json.77-3.part"), b"{\"schema\":1,").unwrap();
        assert_eq!(loaded(dir), (1, b"one".to_vec()));
        // Killed before tidying: the new state counts, older files lie about.
        commit(dir, &second).unwrap();
        assert_eq!(loaded(dir), (2, b"two".to_vec()));
        assert_eq!(
            names(dir),
            [".state.json.77-3.part", "state.json", "weights-1.safetensors", "weights-2.safetensors"]
        );
        tidy(dir, &second).unwrap();
        assert_eq!(names(dir), ["state.json", "weights-2.safetensors"]);
        assert_eq!(load(dir).unwrap(), Some(second));
    }

    #[test]
    fn a_killed_round_is_done_again_over_its_leftovers() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&temporary.path().join("run")).unwrap();
        Checkpoint::save(&folder, &line(4), b"four").unwrap();
        let dir = folder.path(FOLDER);
        store(&dir, &line(5), b"torn").unwrap();
        Checkpoint::save(&folder, &line(5), b"five").unwrap();
        let state = Checkpoint::load(&folder).unwrap().unwrap();
        assert_eq!((state.next_round, &state.line), (5, &line(5)));
        assert_eq!(state.weights(&folder).unwrap(), b"five");
        assert_eq!(names(&dir), ["state.json", "weights-5.safetensors"]);
    }

    #[test]
    fn damage_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = temporary.path();
        let state = store(dir, &line(4), b"four").unwrap();
        commit(dir, &state).unwrap();
        fs::write(dir.join("weights-4.safetensors"), b"fuor").unwrap();
        let text = weights(dir, &state).unwrap_err().to_string();
        assert!(text.contains("weights-4.safetensors") && text.contains("SHA-256"), "{text}");
        fs::remove_file(dir.join("weights-4.safetensors")).unwrap();
        assert!(weights(dir, &state).unwrap_err().to_string().contains("weights-4.safetensors"));
        commit(dir, &Checkpoint { weights_file: "../final.safetensors".to_owned(), ..state.clone() }).unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("beside this one"));
        commit(dir, &Checkpoint { schema: SCHEMA + 1, ..state }).unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("schema"));
        fs::write(dir.join(STATE), b"{\"schema\":1").unwrap();
        assert!(load(dir).unwrap_err().to_string().contains("state.json"));
    }
}
