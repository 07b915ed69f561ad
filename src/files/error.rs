//! Files that could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

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

/// Why a path isn't read although the system would: the cause in a [`FileError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A folder, a device, a pipe: something that may never end, or has no content.
    #[error("expected a regular file, found {found}")]
    NotRegular {
        /// What it is.
        found: &'static str,
    },
    /// More than the limit.
    #[error("{found} bytes, expected at most {most}, the limit of {what}")]
    TooLarge {
        /// Bytes of the file.
        found: u64,
        /// Bytes that are taken.
        most: u64,
        /// Whose limit it is.
        what: &'static str,
    },
}

/// The folder a path lies in; `.` for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
