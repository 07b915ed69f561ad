//! What can be wrong with a split or its file.

use crate::config::SplitKind;
use std::path::PathBuf;

/// An error in dealing samples, or in a `split.json`.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// Clients would be left without samples.
    #[error(
        "split.clients = {clients}: expected at most {}, as a {kind} split needs {needed} samples for them and there are {samples}",
        u64::from(*samples) * u64::from(*clients) / needed
    )]
    TooFewSamples {
        /// `split.clients`.
        clients: u32,
        /// Training samples.
        samples: u32,
        /// Training samples that the split needs.
        needed: u64,
        /// `split.kind`.
        kind: SplitKind,
    },
    /// The data name another number of clients than the config.
    #[error(
        "split.clients = {clients}: expected {found}, as the data name {found} clients with training samples (0 takes what there is)"
    )]
    Clients {
        /// `split.clients`.
        clients: u32,
        /// Those of the data.
        found: u32,
    },
    /// The samples don't say whose they are.
    #[error("split.kind = \"natural\": the samples of {name} name no clients")]
    Nameless {
        /// The set.
        name: String,
    },
    /// The file could not be read.
    #[error("{}: cannot read the split: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not JSON of the expected form.
    #[error("{}: line {line}, column {column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The parser's explanation.
        message: String,
    },
    /// A field contradicts another.
    #[error("{}: {field} is {found}, expected {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Its name.
        field: String,
        /// Its value.
        found: String,
        /// What it should be.
        expected: String,
    },
}
