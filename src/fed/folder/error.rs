//! What can be wrong with a run's folder.

use std::io;
use std::path::PathBuf;

use crate::data::DataError;
use crate::files::FileError;

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
    /// A file in it, or what is at hand now, isn't what the run was made with.
    #[error("{}: {what}: expected {expected}, found {found}", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// A line, a key, a digest.
        what: String,
        /// As the run has it.
        expected: String,
        /// As it is now.
        found: String,
    },
    /// A file of a run vanished or changed while the run was on.
    #[error("{}: the file {how} while the run was on; the run does not count as done", path.display())]
    Lost {
        /// The file.
        path: PathBuf,
        /// `vanished` or `changed`.
        how: &'static str,
    },
    /// A file in it could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The samples could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl FolderError {
    /// A file whose SHA-256 isn't the expected one.
    pub(crate) fn digest(path: PathBuf, expected: &str, found: &str) -> Self {
        let of = |digest: &str| format!("SHA-256 {digest}");
        Self::Differs { path, what: "content".to_owned(), expected: of(expected), found: of(found) }
    }
}
