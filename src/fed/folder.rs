//! A run's folder: made once, locked against a second process, its files written whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::metrics::{RoundMetrics, SCHEMA, Summary};
use super::metrics_log;
use crate::config::Config;
use crate::files::{self, FileError, Limit};

/// What can be wrong with a run's folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds something already.
    #[error("{}: the folder is not empty; expected a new or an empty one (`zowarmup resume` goes on with a run)", .0.display())]
    NotEmpty(PathBuf),
    /// The path names something else.
    #[error("{}: expected a folder, found a file", .0.display())]
    NotAFolder(PathBuf),
    /// Another process works in it.
    #[error("{}: another process works on this run", .0.display())]
    InUse(PathBuf),
    /// It holds no run.
    #[error("{}: expected the folder of a run, but it holds no config.toml", .0.display())]
    NoRun(PathBuf),
    /// It could not be made or locked.
    #[error("{}: cannot {action} the run's folder: {source}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file in it isn't what it should be.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it, what was found, what was expected.
        message: String,
    },
    /// A file in it could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// No summary and no checkpoint's state is larger.
const LIMIT: Limit = Limit { bytes: 16 << 20, what: "a record of a run" };
const LOCK: &str = ".lock";
const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
const SUMMARY: &str = "summary.json";
/// The files that lie in the folder itself.
const FILES: [&str; 8] = [
    CONFIG,
    METRICS,
    SUMMARY,
    "split.json",
    "init.safetensors",
    "pivot.safetensors",
    "final.safetensors",
    "ledger.jsonl",
];

/// Whether an entry is what a kill leaves of the writing of one of `files` ([`files::write_whole`]).
fn is_leftover(entry: &fs::DirEntry, files: &[&str]) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    let part = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part"));
    part.is_some_and(|part| files.iter().any(|file| part.strip_prefix(file).is_some_and(|rest| rest.starts_with('.'))))
}

/// A run's folder, locked for as long as this lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Whether a new run may be made at `path`: it doesn't exist, or is an empty folder. [`RunFolder::create`] asks again; this
    /// is for asking before much is computed.
    ///
    /// # Errors
    /// [`FolderError::NotEmpty`], [`FolderError::NotAFolder`]; a folder that can't be listed.
    pub fn check_free(path: &Path) -> Result<(), FolderError> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Err(FolderError::NotAFolder(path.to_owned())),
            Err(source) => return Err(FolderError::Open { path: path.to_owned(), action: "list", source }),
        };
        // A lock, or half a config, is left behind by a run that was killed before it wrote anything.
        let counts = |entry: fs::DirEntry| entry.file_name() != LOCK && !is_leftover(&entry, &[CONFIG]);
        match entries.flatten().any(counts) {
            true => Err(FolderError::NotEmpty(path.to_owned())),
            false => Ok(()),
        }
    }

    /// Makes the folder of a new run and locks it. To be called once everything that can be wrong with the request has been
    /// checked: before this nothing of the run is on disk.
    ///
    /// # Errors
    /// As [`RunFolder::check_free`]; [`FolderError::InUse`]; a folder that can't be made.
    pub fn create(path: &Path) -> Result<Self, FolderError> {
        Self::check_free(path)?;
        fs::create_dir_all(path).map_err(|source| FolderError::Open {
            path: path.to_owned(),
            action: "make",
            source,
        })?;
        let folder = Self::lock(path)?;
        // Asked again under the lock: another process may have been faster.
        Self::check_free(path)?;
        files::sync_folder(files::folder_of(path))?;
        Ok(folder)
    }

    /// `runs/NAME-SEED-TIME` below the current folder, TIME in UTC as `20260131-235959`; a number is appended where that exists.
    pub fn default_path(config: &Config) -> PathBuf {
        let time = timestamp(SystemTime::now());
        unused(&Path::new("runs").join(format!("{}-{}-{time}", config.name, config.seed)))
    }

    /// Opens the folder of a run to go on with it, and locks it.
    ///
    /// # Errors
    /// [`FolderError::NoRun`], [`FolderError::NotAFolder`], [`FolderError::InUse`]; a folder that can't be locked.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        if path.exists() && !path.is_dir() {
            return Err(FolderError::NotAFolder(path.to_owned()));
        }
        if !path.join(CONFIG).is_file() {
            return Err(FolderError::NoRun(path.to_owned()));
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, FolderError> {
        let open = |source| FolderError::Open { path: path.to_owned(), action: "lock", source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK)).map_err(open)?;
        match file.try_lock() {
            Ok(()) => {
                let folder = Self { path: path.to_owned(), _lock: file };
                folder.remove_leftovers()?;
                Ok(folder)
            }
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(open(source)),
        }
    }

    /// Removes files that a kill cut short.
    fn remove_leftovers(&self) -> Result<(), FolderError> {
        let entries = fs::read_dir(&self.path).map_err(FileError::of(&self.path, "list"))?;
        for entry in entries.flatten().filter(|entry| is_leftover(entry, &FILES)) {
            fs::remove_file(entry.path()).map_err(FileError::of(&entry.path(), "remove"))?;
        }
        Ok(())
    }

    /// Removes the run's files, and the folder where nothing else is in it.
    ///
    /// # Errors
    /// A file that can't be removed.
    pub fn discard(&self) -> Result<(), FolderError> {
        // The config goes first: without it the folder is no run's.
        for name in FILES.iter().chain(&[LOCK]) {
            match fs::remove_file(self.path(name)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(FileError::of(&self.path(name), "remove")(e).into());
                }
                _ => {}
            }
        }
        // A folder that holds something else stays.
        let _ = fs::remove_dir(&self.path);
        Ok(())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.path
    }

    /// A file of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file of it, whole or not at all. `config.toml` makes the folder one that can be resumed.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        Ok(files::write_whole(&self.path(name), bytes)?)
    }

    /// Appends a line to `metrics.jsonl` and syncs it.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn append_metrics(&self, metrics: &RoundMetrics) -> Result<(), FolderError> {
        metrics_log::append(&self.path(METRICS), metrics)
    }

    /// The complete lines of `metrics.jsonl`; none where there is no such file yet.
    ///
    /// # Errors
    /// A line that is no line of metrics; a file that can't be read.
    pub fn read_metrics(&self) -> Result<Vec<RoundMetrics>, FolderError> {
        metrics_log::read(&self.path(METRICS))
    }

    /// Cuts `metrics.jsonl` back to its first `lines`; 0 makes an empty one.
    ///
    /// # Errors
    /// Fewer complete lines than that; a file that can't be read or written.
    pub fn keep_metrics(&self, lines: usize) -> Result<(), FolderError> {
        metrics_log::keep(&self.path(METRICS), lines)
    }

    /// Writes `summary.json`: the last file of a run. Replaces that of an interrupted part.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), FolderError> {
        write_json(&self.path(SUMMARY), summary)
    }

    /// `summary.json`, `None` where there is none yet. `dir` names the folder as it was opened, wherever it lay when written.
    ///
    /// # Errors
    /// A file that can't be read, or isn't a summary of this version.
    pub fn summary(&self) -> Result<Option<Summary>, FolderError> {
        let path = self.path(SUMMARY);
        let Some(mut summary) = read_json::<Summary>(&path)? else { return Ok(None) };
        if summary.schema != SCHEMA {
            let message = format!("schema: expected {SCHEMA}, found {}", summary.schema);
            return Err(FolderError::Malformed { path, message });
        }
        summary.dir = self.path.display().to_string();
        Ok(Some(summary))
    }
}

/// Writes a value as a JSON file.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FolderError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| FolderError::Malformed { path: path.to_owned(), message: e.to_string() })?;
    bytes.push(b'\n');
    Ok(files::write_whole(path, &bytes)?)
}

/// Reads a JSON file; `None` where there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    let bytes = match files::read(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(e) if e.source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let malformed = |e: serde_json::Error| FolderError::Malformed { path: path.to_owned(), message: e.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(malformed)
}

/// The path, with a number appended where it exists already.
fn unused(first: &Path) -> PathBuf {
    let mut path = first.to_owned();
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = first.to_owned();
        path.as_mut_os_string().push(format!("-{number}"));
    }
    path
}

/// A time in UTC as `20260131-235959`.
fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years; a year that starts in March has its leap day last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}{month:02}{of_month:02}-{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_folder_that_holds_something_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        assert!(matches!(RunFolder::create(dir.path()), Err(FolderError::NotEmpty(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let file = dir.path().join("notes.txt");
        assert!(matches!(RunFolder::create(&file), Err(FolderError::NotAFolder(_))));
        assert!(matches!(RunFolder::open(&file), Err(FolderError::NotAFolder(_))));
        assert!(matches!(RunFolder::open(&dir.path().join("nowhere")), Err(FolderError::NoRun(_))));
        assert!(!dir.path().join("nowhere").exists());
    }

    #[test]
    fn a_second_process_is_kept_off_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/run");
        let folder = RunFolder::create(&path).unwrap();
        assert!(matches!(RunFolder::create(&path), Err(FolderError::InUse(_))));
        folder.write("config.toml", b"seed = 1\n").unwrap();
        assert!(matches!(RunFolder::open(&path), Err(FolderError::InUse(_))));
        assert!(matches!(RunFolder::create(&path), Err(FolderError::NotEmpty(_))));
        drop(folder);
        let folder = RunFolder::open(&path).unwrap();
        assert!(folder.summary().unwrap().is_none());
    }

    #[test]
    fn a_folder_with_only_a_lock_is_free() {
        let dir = tempfile::tempdir().unwrap();
        drop(RunFolder::create(dir.path()).unwrap());
        RunFolder::create(dir.path()).unwrap();
    }

    #[test]
    fn default_names_are_numbered_where_taken() {
        let dir = tempfile::tempdir().unwrap();
        let first = dir.path().join("digits-0-20260131-000000");
        assert_eq!(unused(&first), first);
        RunFolder::create(&first).unwrap();
        RunFolder::create(&unused(&first)).unwrap();
        assert!(unused(&first).to_string_lossy().ends_with("-000000-3"));
    }

    #[test]
    fn files_of_another_version_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(dir.path()).unwrap();
        let summary = crate::fed::metrics::Summary {
            dir: "elsewhere".to_owned(),
            name: "a".to_owned(),
            version: "0".to_owned(),
            commit: "unknown".to_owned(),
            schema: SCHEMA,
            status: crate::fed::Status::Done,
            adapter: "x".to_owned(),
            backend: "vulkan".to_owned(),
            driver: String::new(),
            tier: "core".to_owned(),
            seconds: 1.5,
            rounds: 3,
            pivot_accuracy: Some(0.5),
            pivot_loss: Some(1.0),
            final_accuracy: Some(0.75),
            final_loss: Some(0.5),
            best_accuracy: Some(0.75),
            best_round: Some(2),
            uplink_bytes: 1,
            downlink_bytes: 2,
            params: 10,
            fingerprint: "0123456789abcdef".to_owned(),
        };
        folder.write_summary(&summary).unwrap();
        let read = folder.summary().unwrap().unwrap();
        assert_eq!(read.dir, dir.path().display().to_string());
        folder.write_summary(&Summary { schema: SCHEMA + 1, ..summary }).unwrap();
        assert!(folder.summary().unwrap_err().to_string().contains("schema"));
    }

    #[test]
    fn timestamps() {
        let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101-000000");
        // 2000-02-29, 2026-11-22 and 2100-03-01 (no leap day in 2100), by `date -u -d @...`.
        assert_eq!(at(951_782_400), "20000229-000000");
        assert_eq!(at(1_795_390_184), "20261122-232944");
        assert_eq!(at(4_107_542_400), "21000301-000000");
        assert_eq!(at(4_107_542_399), "21000228-235959");
    }
}
