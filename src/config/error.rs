//! What can be wrong with a config.

use std::path::PathBuf;

/// An error in a config file or in a `--set` argument. `origin` is the file's name, or `--set`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot read the config: {source}", path.display())]
    Read {
        /// The config file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not text.
    #[error("{}: byte {byte} is not valid UTF-8; expected a TOML text file", path.display())]
    NotText {
        /// The config file.
        path: PathBuf,
        /// Offset of the first bad byte.
        byte: usize,
    },
    /// The file is not TOML.
    #[error("{origin}: line {line}, column {column}: {message}")]
    Syntax {
        /// File name.
        origin: String,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// The TOML parser's explanation.
        message: String,
    },
    /// A `--set` argument is not of the form `key.path=value`.
    #[error("--set {argument}: {message}")]
    Override {
        /// The argument as given.
        argument: String,
        /// What is wrong with it.
        message: String,
    },
    /// No such preset.
    #[error("unknown preset `{name}`; expected one of {known}")]
    Preset {
        /// As given.
        name: String,
        /// Those that there are, and perhaps the one that was meant.
        known: String,
    },
    /// No such key.
    #[error("{origin}: unknown key `{key}`; {hint}")]
    UnknownKey {
        /// File name or `--set`.
        origin: String,
        /// Full dotted key.
        key: String,
        /// The known key that was meant: what others call so, or the one nearest to it; full and dotted.
        hint: String,
    },
    /// A value of the wrong type or out of range.
    #[error("{origin}: {key} = {value}: expected {expected}")]
    Value {
        /// File name or `--set`.
        origin: String,
        /// Full dotted key.
        key: String,
        /// The value as TOML.
        value: String,
        /// What would be right.
        expected: String,
    },
}
