//! The error that a command ends with, and the exit status it means.

use crate::bench::BenchError;
use crate::config::ConfigError;
use crate::device::DeviceError;
use crate::engine::EngineError;
use crate::fed::{FedError, FolderError, Status};
use crate::files::FileError;
use crate::golden::GoldenError;
use crate::ledger::LedgerError;
use crate::rule::RuleError;
use crate::verify::VerifyError;
use crate::weights::WeightsError;

/// Any error that a command ends with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A config or `--set`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A run.
    #[error(transparent)]
    Fed(#[from] FedError),
    /// The check of golden files.
    #[error(transparent)]
    Verify(#[from] VerifyError),
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

/// Exit status of a failure while running, and of a check that found something.
pub const FAILED: u8 = 1;
/// Exit status of a request that was wrong.
pub const WRONG: u8 = 2;
/// Exit status of an interrupted command.
pub const INTERRUPTED: u8 = 130;

/// Exit status of a command that ends a run this way.
pub fn of_status(status: Status) -> u8 {
    match status {
        Status::Done => 0,
        Status::Diverged => FAILED,
        Status::Interrupted => INTERRUPTED,
    }
}

impl Error {
    /// 2: the request was wrong (arguments, config, a malformed file, a plan that can't fit). 1: something failed while running.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::Config(_) | Error::Request(_) => WRONG,
            Error::Fed(e) => of_fed(e),
            Error::Verify(e) => of_verify(e),
            Error::File(e) => of_file(e),
            Error::Bench(BenchError::Unknown { .. }) => WRONG,
            Error::Bench(BenchError::Device(e)) | Error::Device(e) => of_device(e),
            Error::Engine(e) => of_engine(e),
            Error::Bench(_) | Error::Output(_) => FAILED,
        }
    }
}

fn of_fed(error: &FedError) -> u8 {
    match error {
        FedError::Config(_) | FedError::Data(_) | FedError::Split(_) | FedError::Model(_) | FedError::Refused(_) => {
            WRONG
        }
        FedError::Weights(e) => of_weights(e),
        FedError::Ledger(e) => of_ledger(e),
        FedError::Folder(e) => of_folder(e),
        FedError::File(e) => of_file(e),
        FedError::Device(e) => of_device(e),
        FedError::Engine(e) => of_engine(e),
        FedError::Rule { source, .. } => match source.as_ref() {
            RuleError::Engine(e) => of_engine(e),
            _ => WRONG,
        },
    }
}

fn of_verify(error: &VerifyError) -> u8 {
    match error {
        VerifyError::Golden(GoldenError::Weights(e)) => of_weights(e),
        VerifyError::Golden(_) | VerifyError::Params { .. } => WRONG,
        VerifyError::Device(e) => of_device(e),
        VerifyError::Engine(e) => of_engine(e),
        VerifyError::Fed(e) => of_fed(e),
    }
}

fn of_weights(error: &WeightsError) -> u8 {
    match error {
        WeightsError::File(e) => of_file(e),
        // A flat vector of the wrong length is never read from a file.
        WeightsError::Length { .. } => FAILED,
        _ => WRONG,
    }
}

fn of_ledger(error: &LedgerError) -> u8 {
    match error {
        LedgerError::File(e) => of_file(e),
        LedgerError::Line { .. } => WRONG,
        LedgerError::Refused { .. } => FAILED,
    }
}

fn of_folder(error: &FolderError) -> u8 {
    match error {
        FolderError::File(e) => of_file(e),
        FolderError::Lost { .. } => FAILED,
        _ => WRONG,
    }
}

fn of_engine(error: &EngineError) -> u8 {
    match error {
        EngineError::Device(e) => of_device(e),
        EngineError::Data(_)
        | EngineError::Whole { .. }
        | EngineError::OneValue { .. }
        | EngineError::TooMany { .. }
        | EngineError::Copy { .. } => WRONG,
        EngineError::Params { .. } | EngineError::Tensor { .. } | EngineError::State { .. } => FAILED,
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
        | DeviceError::BindingTooLarge { .. }
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
            (FedError::from(FolderError::NotEmpty("a".into())).into(), 2),
            (file("read").into(), 2),
            (FedError::from(FolderError::File(file("write"))).into(), 1),
            (Error::Output(io()), 1),
        ];
        for (error, status) in cases {
            assert_eq!(error.exit_status(), status, "{error}");
        }
    }
}
