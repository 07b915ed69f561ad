//! The folder of a run, made once and locked against a second process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::names::{CHECKPOINT, CHECKPOINT_FILES, CONFIG, FILES, LOCK, MANIFEST, METRICS, ROUNDS, SUMMARY, WAYS};
use super::{FolderError, Lines, Manifest, metrics_log, read_in};
use crate::fed::dense;
use crate::fed::metrics::{RoundMetrics, Summary};
use crate::files::{self, FileError};

/// After how long a lock that another holds is tried once more.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(20);

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
        // A lock, a manifest, ways and half a config are left behind by a run that was killed before its config was written; a fork has copied
        // more by then.
        let forked = Self::is_half_a_fork(path);
        let counts = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            let copied = || name == CHECKPOINT || FILES.iter().any(|file| name == *file) || is_leftover(entry, &FILES);
            let first = [CONFIG, MANIFEST, WAYS];
            name != LOCK && name != MANIFEST && name != WAYS && !is_leftover(entry, &first) && !(forked && copied())
        };
        match entries.flatten().any(|entry| counts(&entry)) {
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
        if Self::is_half_a_fork(path) {
            folder.remove_copied()?;
        }
        files::sync_folder(files::folder_of(path))?;
        Ok(folder)
    }

    /// Opens the folder of a run to go on with it, and locks it.
    ///
    /// # Errors
    /// [`FolderError::NoRun`], [`FolderError::NotAFolder`], [`FolderError::InUse`]; a folder that can't be locked.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        Self::check_run(path)?;
        Self::lock(path)
    }

    /// Whether `path` is the folder of a run.
    ///
    /// # Errors
    /// [`FolderError::NoRun`], [`FolderError::NotAFolder`].
    pub fn check_run(path: &Path) -> Result<(), FolderError> {
        if path.exists() && !path.is_dir() {
            return Err(FolderError::NotAFolder(path.to_owned()));
        }
        if !path.join(CONFIG).is_file() {
            return Err(FolderError::NoRun(path.to_owned()));
        }
        Ok(())
    }

    /// The files and folders of files that a run in the folder at `path` has or may have.
    pub fn files(path: &Path) -> Vec<PathBuf> {
        FILES.into_iter().chain([CHECKPOINT, dense::FOLDER]).map(|name| path.join(name)).collect()
    }

    /// Whether a process is at work on the run in a folder; nothing is written there. None where that can't be told.
    pub fn is_in_use(path: &Path) -> Option<bool> {
        match File::open(path.join(LOCK)).map(|file| file.try_lock_shared()) {
            Ok(Ok(())) => Some(false),
            Ok(Err(TryLockError::WouldBlock)) => Some(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Some(false),
            _ => None,
        }
    }

    fn lock(path: &Path) -> Result<Self, FolderError> {
        let open = |source| FolderError::Open { path: path.to_owned(), action: "lock", source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path.join(LOCK)).map_err(open)?;
        let mut tried = file.try_lock();
        if matches!(tried, Err(TryLockError::WouldBlock)) {
            // Someone who only asks whether it is in use holds it for a moment.
            std::thread::sleep(AGAIN);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => {
                let folder = Self { path: path.to_owned(), _lock: file };
                folder.remove_leftovers()?;
                Ok(folder)
            }
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(open(source)),
        }
    }

    /// Whether a kill left a fork here whose config wasn't written yet: all there is can be copied again.
    fn is_half_a_fork(path: &Path) -> bool {
        let forked = || Manifest::read(path).ok().flatten().is_some_and(|manifest| manifest.fork.is_some());
        !path.join(CONFIG).exists() && forked()
    }

    /// Removes what a fork had copied, its manifest last.
    fn remove_copied(&self) -> Result<(), FolderError> {
        let dir = self.path(CHECKPOINT);
        if dir.is_dir() {
            fs::remove_dir_all(&dir).map_err(FileError::of(&dir, "remove"))?;
        }
        FILES.iter().filter(|name| **name != MANIFEST).chain(&[MANIFEST]).try_for_each(|name| self.remove(name))
    }

    /// Removes files that a kill cut short.
    fn remove_leftovers(&self) -> Result<(), FolderError> {
        let entries = fs::read_dir(&self.path).map_err(FileError::of(&self.path, "list"))?;
        // There is no checkpoint before the first round.
        let checkpoint = fs::read_dir(self.path(CHECKPOINT)).into_iter().flatten();
        let files = |entry: &fs::DirEntry| is_leftover(entry, &FILES) || is_leftover(entry, &CHECKPOINT_FILES);
        for entry in entries.chain(checkpoint).flatten().filter(files) {
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
            self.remove(name)?;
        }
        // Without a round there is no checkpoint, but the folder of the rounds' digests may be there.
        let _ = fs::remove_file(self.path(ROUNDS));
        let _ = fs::remove_dir(self.path(CHECKPOINT));
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

    /// Makes a folder in it, where there is none yet.
    ///
    /// # Errors
    /// A folder that can't be made.
    pub fn make(&self, name: &str) -> Result<(), FolderError> {
        let path = self.path(name);
        if !path.is_dir() {
            fs::create_dir_all(&path).map_err(FileError::of(&path, "make"))?;
            files::sync_folder(&self.path)?;
        }
        Ok(())
    }

    /// Appends a line to `metrics.jsonl`, which is there, and syncs it. Returns the line's bytes.
    ///
    /// # Errors
    /// A file that has vanished or can't be written.
    pub fn append_metrics(&self, metrics: &RoundMetrics) -> Result<Vec<u8>, FolderError> {
        metrics_log::append(&self.path(METRICS), metrics)
    }

    /// The complete lines of `metrics.jsonl`; none where there is no such file yet.
    ///
    /// # Errors
    /// A line that is no line of metrics; a file that can't be read.
    pub fn read_metrics(&self) -> Result<Vec<RoundMetrics>, FolderError> {
        let bytes = self.read(METRICS)?.unwrap_or_default();
        metrics_log::parse(&self.path(METRICS), &Lines::of(&bytes).complete)
    }

    /// The bytes of a file; none where there is no file.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FolderError> {
        read_in(&self.path, name)
    }

    /// Writes `summary.json`; replaces that of an interrupted part. Returns its bytes.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<Vec<u8>, FolderError> {
        let path = self.path(SUMMARY);
        let mut bytes = serde_json::to_vec_pretty(summary)
            .map_err(|e| FolderError::Malformed { path: path.clone(), message: e.to_string() })?;
        bytes.push(b'\n');
        files::write_whole(&path, &bytes)?;
        Ok(bytes)
    }

    /// Removes a file, which may be missing.
    ///
    /// # Errors
    /// A file that can't be removed.
    pub fn remove(&self, name: &str) -> Result<(), FolderError> {
        match fs::remove_file(self.path(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(FileError::of(&self.path(name), "remove")(e).into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fed::folder::read_summary;
    use crate::fed::metrics::SCHEMA;

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
        assert!(read_summary(folder.dir()).unwrap().is_none());
    }

    #[test]
    fn a_folder_with_only_a_lock_is_free() {
        let dir = tempfile::tempdir().unwrap();
        drop(RunFolder::create(dir.path()).unwrap());
        RunFolder::create(dir.path()).unwrap();
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
            compile_seconds: 0.5,
            rounds: 3,
            pivot_accuracy: Some(0.5),
            pivot_loss: Some(1.0),
            final_accuracy: Some(0.75),
            final_loss: Some(0.5),
            best_accuracy: Some(0.75),
            best_round: Some(2),
            averaged_accuracy: None,
            validation_accuracy: None,
            gain: Some(0.25),
            pivot_low_accuracy: Some(0.125),
            final_low_accuracy: None,
            pivot_high_accuracy: None,
            final_high_accuracy: None,
            pivot_worst_tenth_accuracy: None,
            final_worst_tenth_accuracy: None,
            uplink_bytes: 1,
            downlink_bytes: 2,
            client_memory_bytes: None,
            params: 10,
            fingerprint: "0123456789abcdef".to_owned(),
            precision: "f32".to_owned(),
            dl_error: None,
            skipped_steps: None,
            warnings: Vec::new(),
        };
        folder.write_summary(&summary).unwrap();
        let read = read_summary(dir.path()).unwrap().unwrap();
        assert_eq!(read.dir, dir.path().display().to_string());
        folder.write_summary(&Summary { schema: SCHEMA + 1, ..summary }).unwrap();
        assert!(read_summary(dir.path()).unwrap_err().to_string().contains("schema"));
    }
}
