//! A run's folder: made once, locked against a second process, its files written whole.

pub mod checkpoint;
mod error;
mod lines;
pub(crate) mod manifest;
mod metrics_log;
pub(super) mod moments;
mod name;
mod names;
mod reading;
pub(super) mod rounds_log;
mod run_folder;

pub use error::FolderError;
pub(super) use lines::{Lines, good};
pub use manifest::Manifest;
pub use name::{default_path, timestamp};
pub use names::{AVERAGED, CONFIG, FINAL, INIT, LEDGER, MANIFEST, METRICS, PIVOT, SPLIT, SUMMARY, WAYS};
pub(super) use names::{CHECKPOINT, LOG_LIMIT, ROUNDS};
pub use reading::read_summary;
pub(super) use reading::{parse_metrics, read_in};
pub use run_folder::RunFolder;
