//! The error that a command ends with, and the exit status it means.

use crate::bench::BenchError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::engine::EngineError;
use crate::fed::FolderError;
use crate::files::FileError;
use crate::golden::GoldenError;
use crate::ledger::LedgerError;
use crate::model::ModelError;
use crate::split::SplitError;
use crate::weights::WeightsError;

/// Any error of the crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A config or `--set`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A partition of the samples.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A model table.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A weights file.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A golden file.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// A ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A run's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Any other file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A benchmark.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Arguments that don't go together, or name something that isn't there.
    #[error("{0}")]
    Request(String),
    /// Standard output is gone.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
}

/// Exit status of a request that was wrong.
pub(crate) const WRONG: u8 = 2;
/// Exit status of a failure while running.
const FAILED: u8 = 1;

impl Error {
    /// 2: the request was wrong (arguments, config, a malformed file, a plan that can't fit). 1: something failed while running.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::Config(_)
            | Error::Data(_)
            | Error::Split(_)
            | Error::Model(_)
            | Error::Golden(_)
            | Error::Request(_) => WRONG,
            Error::Weights(WeightsError::File(e)) => of_file(e),
            // A flat vector of the wrong length is never read from a file.
            Error::Weights(WeightsError::Length { .. }) => FAILED,
            Error::Weights(_) => WRONG,
            Error::Ledger(LedgerError::File(e)) | Error::Folder(FolderError::File(e)) | Error::File(e) => of_file(e),
            Error::Ledger(LedgerError::Line { .. }) => WRONG,
            Error::Ledger(LedgerError::Refused { .. }) => FAILED,
            Error::Folder(_) => WRONG,
            Error::Bench(BenchError::Unknown { .. }) => WRONG,
            Error::Device(e) | Error::Engine(EngineError::Device(e)) | Error::Bench(BenchError::Device(e)) => {
                of_device(e)
            }
            Error::Bench(_) | Error::Engine(_) | Error::Output(_) => FAILED,
        }
    }
}

/// A file that can't be read was named by the request; one that can't be written is ours.
fn of_file(error: &FileError) -> u8 {
    if error.action == "read" { WRONG } else { FAILED }
}

fn of_device(error: &DeviceError) -> u8 {
    match error {
        DeviceError::NoAdapter
        | DeviceError::NoMatch { .. }
        | DeviceError::Setting { .. }
        | DeviceError::Lacks { .. }
        | DeviceError::Unfit { .. }
        | DeviceError::BufferTooLarge { .. }
        | DeviceError::OverBudget { .. } => WRONG,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn requests_end_with_2_and_failures_with_1() {
        let io = || std::io::Error::other("no");
        let file = |action| FileError::of(Path::new("a"), action)(io());
        let no_match = || DeviceError::NoMatch { wanted: "x".to_owned(), found: String::new() };
        let cases: [(Error, u8); 8] = [
            (Error::Request("no".to_owned()), 2),
            (no_match().into(), 2),
            (EngineError::Device(no_match()).into(), 2),
            (DeviceError::Lost("gone".to_owned()).into(), 1),
            (FolderError::NotEmpty("a".into()).into(), 2),
            (file("read").into(), 2),
            (FolderError::File(file("write")).into(), 1),
            (Error::Output(io()), 1),
        ];
        for (error, status) in cases {
            assert_eq!(error.exit_status(), status, "{error}");
        }
    }
}
