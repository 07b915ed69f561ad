//! Files written whole or not at all, read within limits, and their digests.

pub mod cache;
mod kind;
mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};

pub use kind::{HEAD, Kind};
pub use read::{Limit, Refusal, Source, beside, read, sha256_file, sha256_hex};
pub use write::{sync_folder, write_whole};

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}: {source}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What was tried, such as "read".
    pub action: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl FileError {
    /// Names the file and the action for `map_err`.
    pub fn of(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, action, source }
    }

    /// Why the file was refused although the system would have read it.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.source.get_ref()?.downcast_ref()
    }
}

/// The folder a path lies in; `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
