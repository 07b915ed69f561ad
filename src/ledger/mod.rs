//! The seed ledger of the ZO phase: its types, reading and writing (perturbation-stream,
//! Ledger). What a round's numbers come to is [`crate::rule`]'s.

pub mod fingerprint;
mod integers;
mod read;
mod types;
mod validate;
mod write;

pub use fingerprint::fingerprint;
pub use integers::{Coefficients, quantise};
pub use read::Ledger;
pub use types::{
    Dense, EVERYONE, Entry, FORMAT, Header, Normalise, Optimizer, Round, Uplink, VERSION, VERSION_2, parse_hex64,
};
pub use validate::{EXP_RANGE, MAX_SUM};
pub use write::LedgerWriter;

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

#[cfg(test)]
mod tests;
