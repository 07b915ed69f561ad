//! The arguments of every command.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::device::{DeviceError, Selection};
use crate::stream::Distribution;

/// Version and commit.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("ZOWARMUP_COMMIT"), ")");

/// Simulates federated learning with ZOWarmUp on any vendor's GPU.
#[derive(Debug, Parser)]
#[command(name = "zowarmup", version = VERSION, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Log more to standard error; twice: still more (ZOWARMUP_LOG sets it precisely)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment: warm-up, pivot, zeroth-order rounds
    Run(RunArgs),
    /// Go on with an interrupted run
    Resume(ResumeArgs),
    /// Rebuild weights from a ledger and check its fingerprints
    Replay(ReplayArgs),
    /// Compare the files of a finished run with what the run wrote
    Check(CheckArgs),
    /// Loss and accuracy of weights on a config's test samples
    Eval(EvalArgs),
    /// Recompute golden files on the device
    Verify(VerifyArgs),
    /// Elements of the perturbation stream, generated on the device
    Stream(StreamArgs),
    /// Compare every kernel with its CPU twin on the device
    Selftest(SelftestArgs),
    /// List the adapters and which would be picked
    Devices(DevicesArgs),
    /// Measure kernels and rounds beside the device's own rates
    Bench(BenchArgs),
    /// Bytes that a config's run sends and holds, by the paper's formulas and as the engine counts them
    Cost(CostArgs),
    /// Print the default config, or a complete one
    Config(ConfigArgs),
}

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

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Folder of the run, new or empty [default: runs/NAME-SEED-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
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

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Folder of the run
    pub dir: PathBuf,
    /// Extends the run: zo.rounds, or changes what changes no bit: paths, device settings
    #[command(flatten)]
    pub set: SetArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder of the run
    pub dir: PathBuf,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The ledger
    #[arg(long, value_name = "FILE")]
    pub ledger: PathBuf,
    /// Weights before its first round
    #[arg(long, value_name = "FILE")]
    pub base: PathBuf,
    /// Where the weights go; without it only the fingerprints are checked
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
    /// The last round to replay (absolute, 0-based) [default: all]
    #[arg(long, value_name = "ROUND")]
    pub until: Option<u32>,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// The weights, a safetensors file
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// Names the data and the model; without it the embedded digits experiment
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
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

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Golden files: passes (.safetensors) and differences (spsa-*.json)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `stream`.
#[derive(Debug, Args)]
pub struct StreamArgs {
    /// The seed, 1 to 16 hex digits
    #[arg(long, value_name = "HEX", value_parser = parse_seed)]
    pub seed: u64,
    /// rademacher, binomial, gaussian or uniform
    #[arg(long, value_parser = parse_distribution)]
    pub distribution: Distribution,
    /// Index of the first element
    #[arg(long, default_value_t = 0)]
    pub start: u64,
    /// How many elements
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=(1 << 28)))]
    pub count: u32,
    /// Write the elements as little-endian f32 to a file, too
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Which checks: those with one of these in their name [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// One check of each kernel only
    #[arg(long)]
    pub quick: bool,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure [default: everything]
    pub names: Vec<String>,
    /// Clients of a round
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub clients: u32,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Device, whose limits the plan keeps to.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// A config to print complete, defaults filled in; without it the default config with its comments
    pub config: Option<PathBuf>,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// 1 to 16 hex digits, after 0x or not.
fn parse_seed(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let hex = (1..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten().ok_or_else(|| "expected 1 to 16 hex digits".to_owned())
}

fn parse_distribution(text: &str) -> Result<Distribution, String> {
    // A sphere's elements depend on the length of the vector: it has no stream of its own.
    let parsed = text.parse().ok().filter(|&d| d != Distribution::Sphere);
    parsed.ok_or_else(|| "expected rademacher, binomial, gaussian or uniform".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seeds() {
        assert_eq!(parse_seed("0x1F"), Ok(31));
        assert_eq!(parse_seed("ffffffffffffffff"), Ok(u64::MAX));
        for bad in ["", "0x", "00000000000000001", "+1", "xyz"] {
            assert!(parse_seed(bad).is_err(), "{bad}");
        }
        assert!(parse_distribution("sphere").is_err() && parse_distribution("uniform").is_ok());
    }
}
