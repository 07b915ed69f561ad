//! Arguments that several commands have. Those of one alone stand beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::duration;
use super::error::Error;
use super::outfile::OutFile;
use crate::config::{ConfigError, Preset};
use crate::device::{DeviceError, Selection};

/// `--device`.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// Where to compute: an index, part of an adapter's name, vulkan, gl, metal, dx12, cpu or reference
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
}

impl DeviceArgs {
    /// The flag, then the environment; nothing from a config.
    pub fn selection(&self) -> Result<Selection, DeviceError> {
        Selection::resolve(self.device.as_deref(), "", None)
    }
}

/// `--json`.
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArgs {
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `--force`.
#[derive(Clone, Copy, Debug, Args)]
pub struct ForceArgs {
    /// Replace an output file that exists; a file that the command reads is never replaced
    #[arg(long)]
    pub force: bool,
}

/// `--set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Override a config key, such as zo.lr=0.1; can be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `--preset`.
#[derive(Debug, Args)]
pub struct PresetArgs {
    /// A method by name, set over the config and below --set: zowarmup, high-res-only, fedavg-all, fedadam, heterofl, fedkseed,
    /// zowarmup-fedkseed, decomfl, mezo, fedzo, baffle, feedsign or fzoo
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
}

impl PresetArgs {
    /// The preset that is named.
    pub fn preset(&self) -> Result<Option<&'static Preset>, ConfigError> {
        self.preset.as_deref().map(Preset::named).transpose()
    }
}

/// `--csv` and `--force`.
#[derive(Debug, Args)]
pub struct CsvArgs {
    /// Write a line a row as CSV, too
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
}

impl CsvArgs {
    /// The file, of a command that reads `input` ([`OutFile::beside`] adds what that names); asked before the work begins.
    pub fn file(&self, input: Option<&Path>) -> Result<Option<OutFile>, Error> {
        let inputs: Vec<&Path> = input.into_iter().collect();
        self.csv.as_deref().map(|path| OutFile::new(path, self.force.force, &inputs)).transpose()
    }
}

/// `--set`, `--device` and `--json`: of commands that compute on a config and print a result.
#[derive(Debug, Args)]
pub struct ComputeArgs {
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `--time-limit`.
#[derive(Clone, Copy, Debug, Args)]
pub struct LimitArgs {
    /// End after the round in which this time is over, such as 3h50m; `resume` goes on
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub time_limit: Option<Duration>,
}
