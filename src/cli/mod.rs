//! The command line: arguments, one file a command, what is printed where.
//!
//! Standard output holds results only, and is written once everything has gone well; progress, logs and errors go to standard
//! error. Errors are printed in one place ([`main`]).

mod args;
mod bench;
mod cells;
mod check;
mod compare;
mod config;
mod cost;
mod csv;
mod data;
mod devices;
mod display;
mod duration;
pub mod error;
mod eval;
mod hints;
mod interrupt;
mod manual;
mod model;
mod outfile;
mod output;
mod probe;
mod profile;
mod progress;
mod replay;
mod report;
mod reproduce;
mod run;
mod say;
mod selftest;
mod slurm;
mod stream;
mod sweep;
mod sweeping;
mod tune;
mod verify;
mod watch;
mod workers;

use std::io::IsTerminal;

use clap::{ArgAction, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use error::Error;
use say::{Stderr, say};

use crate::version;

/// Simulates federated learning with ZOWarmUp on any vendor's GPU.
#[derive(Debug, Parser)]
#[command(name = "zowarmup", version = version::text(), about, max_term_width = 110)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
    /// Say what is done on standard error: data, clients, device, compiling; twice: each round; three times: everything
    /// (ZOWARMUP_LOG sets it precisely)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Keep and read nothing in the user's cache folder (compiled pipelines); as ZOWARMUP_NO_CACHE=1
    #[arg(long, global = true)]
    no_cache: bool,
    /// Print errors, warnings and the result only: no progress, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run an experiment: warm-up, pivot, zeroth-order rounds
    Run(run::RunArgs),
    /// Go on with an interrupted run
    Resume(run::ResumeArgs),
    /// Run from another run's pivot: its warm-up is not repeated
    Fork(run::ForkArgs),
    /// Compare methods over several seeds
    Compare(compare::CompareArgs),
    /// Run many: rows of settings and grids over config keys, each with several seeds
    Sweep(sweep::SweepArgs),
    /// Run one of the paper's tables, at its size or small, and print it beside the paper's values
    Reproduce(reproduce::ReproduceArgs),
    /// Show a run in progress: curves, rates, health; on the terminal, or as a page that reloads itself
    Watch(watch::WatchArgs),
    /// Tables and curves of runs that have ended, as Markdown and one HTML page
    Report(report::ReportArgs),
    /// Rebuild weights from a ledger and check its fingerprints
    Replay(replay::ReplayArgs),
    /// Compare the files of a finished run with what the run wrote
    Check(check::CheckArgs),
    /// Loss and accuracy of weights on a config's test samples
    Eval(eval::EvalArgs),
    /// Recompute golden files on the device
    Verify(verify::VerifyArgs),
    /// Elements of the perturbation stream, generated on the device
    Stream(stream::StreamArgs),
    /// Compare every kernel with its CPU twin on the device
    Selftest(selftest::SelftestArgs),
    /// List the adapters and which would be picked
    Devices(devices::DevicesArgs),
    /// Measure kernels and rounds beside the device's own rates
    Bench(bench::BenchArgs),
    /// Measure with which way each product of a config's model is fastest here
    Tune(tune::TuneArgs),
    /// Measure where the time of a config's rounds goes: each kernel, the host, compiling
    Profile(profile::ProfileArgs),
    /// Bytes that a config's run sends and holds, by the paper's formulas and as the engine counts them
    Cost(cost::CostArgs),
    /// Compare the zeroth-order estimate with the true gradient
    Probe(probe::ProbeArgs),
    /// What a data set is, and what a run would make of it
    Data(data::DataArgs),
    /// What a model is: its layers, their cost, and what a client must hold in each phase
    Model(model::ModelArgs),
    /// Print the default config, or a complete one
    Config(config::ConfigArgs),
    /// Print what a shell completes the commands by
    Completions(manual::CompletionsArgs),
    /// Write the manual's pages into a folder
    Man(manual::ManArgs),
}

/// Runs the program on the process's arguments and returns its exit status.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            hints::add(&mut error);
            // Help and version go to standard output with status 0, usage errors to standard error with status 2. Where neither
            // can be written there is nobody to tell.
            let _ = error.print();
            return error.exit_code() as u8;
        }
    };
    if cli.quiet {
        say::set_quiet();
    }
    log(cli.verbose);
    if cli.no_cache {
        crate::files::cache::forbid();
    }
    tell_panics();
    match execute(&cli.command) {
        Ok(status) => status,
        Err(error) => {
            say(format_args!("error: {error}"));
            error.exit_status()
        }
    }
}

fn execute(command: &Command) -> Result<u8, Error> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Resume(args) => run::resume(args),
        Command::Fork(args) => run::fork(args),
        Command::Compare(args) => compare::execute(args),
        Command::Sweep(args) => sweep::execute(args),
        Command::Reproduce(args) => reproduce::execute(args),
        Command::Watch(args) => watch::execute(args),
        Command::Report(args) => report::execute(args),
        Command::Replay(args) => replay::execute(args),
        Command::Check(args) => check::execute(args),
        Command::Eval(args) => eval::execute(args),
        Command::Verify(args) => verify::execute(args),
        Command::Stream(args) => stream::execute(args),
        Command::Selftest(args) => selftest::execute(args),
        Command::Devices(args) => devices::execute(args),
        Command::Bench(args) => bench::execute(args),
        Command::Tune(args) => tune::execute(args),
        Command::Profile(args) => profile::execute(args),
        Command::Cost(args) => cost::execute(args),
        Command::Probe(args) => probe::execute(args),
        Command::Data(args) => data::execute(args),
        Command::Model(args) => model::execute(args),
        Command::Config(args) => config::execute(args),
        Command::Completions(args) => manual::completions(args),
        Command::Man(args) => manual::man(args),
    }
}

/// Panics are told as they are by default, but those that become the error of a damaged file.
fn tell_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !crate::data::is_guarded() {
            usual(info);
        }
    }));
}

/// Logs to standard error: warnings, more with `-v`, or what `ZOWARMUP_LOG` says. Other crates are heard with `-v` only, and their warnings
/// alone.
fn log(verbose: u8) {
    let levels = ["zowarmup=warn", "warn,zowarmup=info", "warn,zowarmup=debug"];
    let default = levels.get(usize::from(verbose)).unwrap_or(&"warn,zowarmup=trace");
    let filter = EnvFilter::try_from_env("ZOWARMUP_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Stderr)
        // These would be printed with a macro that panics.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(verbose > 0)
        .without_time()
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
