//! What can be wrong with a ledger.

use std::path::PathBuf;

use crate::files::FileError;

/// What can be wrong with a ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line that isn't what the format says.
    #[error("{}: line {line}: {message}", path.display())]
    Line {
        /// The ledger.
        path: PathBuf,
        /// 1-based.
        line: usize,
        /// The field, what was found, what was expected.
        message: String,
    },
    /// A round or header that may not be written.
    #[error("{}: refused to write: {message}", path.display())]
    Refused {
        /// The ledger.
        path: PathBuf,
        /// The field, its value, what was expected.
        message: String,
    },
}
