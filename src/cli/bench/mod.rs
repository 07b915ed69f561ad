//! `zowarmup bench`.

mod compare;
mod export;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use super::args::{DeviceArgs, JsonArgs};
use super::error::Error;
use super::output::{self, Adapter, bytes, row, table};
use super::say;
use crate::bench::{self, Ceiling, Ceilings, Options, Outcome, Repeats};
use crate::caps::Precision;
use crate::device::{list, open};
use crate::fed::folder::timestamp;
use crate::version;

/// `bench`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// Compare two results
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    /// What to measure: names, or parts of names [default: everything that suits the adapter]
    pub names: Vec<String>,
    /// Clients of a round
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub clients: u32,
    /// Images of the large forward passes, and of each client in the large rounds [default: what fills a large GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch: Option<u32>,
    /// Sizes of everything
    #[arg(long, value_name = "SIZE", default_value = "usual")]
    pub size: Size,
    /// How exact products are: f32, f16x3 or f16, as device.precision in configs
    #[arg(long, value_name = "PRECISION", default_value = "f32", value_parser = precision)]
    pub precision: Precision,
    /// Seconds that each is timed for, at least; three runs in any case
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub min_time: f64,
    /// List the names, measure nothing
    #[arg(long)]
    pub list: bool,
    /// Print the result as one JSON object, as CSV or as a Markdown table, each with what it was measured with
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub export: Option<Format>,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `bench diff`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Compare two results, as --json or --export json print them
    Diff {
        /// What it was before
        before: PathBuf,
        /// What it is now
        after: PathBuf,
        /// Output.
        #[command(flatten)]
        json: JsonArgs,
    },
}

/// How large workloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// Shows that they work, not how fast
    Small,
    /// Those that results quote
    Usual,
}

/// What a result is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object
    Json,
    /// Lines with commas
    Csv,
    /// A table in Markdown
    Md,
}

/// A result.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    adapter: Adapter,
    /// Of the program.
    #[serde(default)]
    version: String,
    #[serde(default)]
    commit: String,
    /// Of products.
    #[serde(default = "f32_products")]
    precision: String,
    #[serde(default)]
    host: String,
    /// UTC, `20260131-235959`.
    #[serde(default)]
    date: String,
    ceilings: Ceilings,
    results: Vec<Outcome>,
}

/// That of results from before there were others.
fn f32_products() -> String {
    Precision::F32.name().to_owned()
}

fn precision(text: &str) -> Result<Precision, String> {
    text.parse().map_err(|()| format!("expected {}", Precision::NAMES.join(", ")))
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&x: &f64| x > 0.0 && x <= 3600.0);
    number.ok_or_else(|| "expected seconds, greater than 0 and at most 3600".to_owned())
}

/// Measures the device's rates and the entries asked for.
pub fn execute(args: &BenchArgs) -> Result<u8, Error> {
    if let Some(BenchCommand::Diff { before, after, json }) = &args.command {
        return compare::execute(before, after, json.json);
    }
    let selection = args.device.selection()?.with_precision(args.precision);
    if args.list {
        let (adapters, picked) = list(&selection)?;
        let kind = adapters.get(picked).map_or(crate::caps::AdapterKind::Other, |(info, _)| info.kind);
        let names: Vec<&str> = bench::select(&args.names, kind)?.into_iter().flat_map(|s| s.names).collect();
        output::print(args.json.json, &names, |names| names.join("\n"))?;
        return Ok(0);
    }
    let device = open(&selection)?;
    let entries = bench::select(&args.names, device.info().kind)?;
    let mut engine = bench::engine(device)?;
    let options = Options { clients: args.clients, batch: args.batch, small: args.size == Size::Small };
    let repeats = Repeats { seconds: args.min_time, ..Repeats::default() };
    let short = Repeats { seconds: args.min_time / 4.0, least: 5, ..repeats };
    let mut ceilings = bench::ceilings(engine.device_mut(), &repeats)?;
    bench::latencies(engine.device_mut(), &short, &mut ceilings)?;
    let mut results = Vec::new();
    for selected in entries {
        tracing::info!("measuring {}", selected.names.join(", "));
        results.extend(bench::run(&mut engine, &selected, &options, &ceilings, &repeats)?);
    }
    settle(&mut engine, &mut ceilings, &mut results, &repeats)?;
    let report = Report {
        adapter: Adapter::of(engine.device().info()),
        version: version::NUMBER.to_owned(),
        commit: version::commit().to_owned(),
        precision: args.precision.name().to_owned(),
        host: host(),
        date: timestamp(std::time::SystemTime::now()),
        ceilings,
        results,
    };
    match args.export {
        Some(Format::Csv) => output::raw(&export::csv(&report))?,
        Some(Format::Md) => output::raw(&export::markdown(&report))?,
        Some(Format::Json) => output::print(true, &report, text)?,
        None => output::print(args.json.json, &report, text)?,
    }
    Ok(0)
}

/// Measures the rates again where a result exceeds one: the machine was slower then. What still exceeds it was the better measurement of it.
fn settle(
    engine: &mut crate::engine::Engine,
    ceilings: &mut Ceilings,
    results: &mut [Outcome],
    repeats: &Repeats,
) -> Result<(), Error> {
    const ALL: [Ceiling; 4] = [Ceiling::Copy, Ceiling::Madd, Ceiling::Matrix, Ceiling::Store];
    if results.iter().any(|r| r.of_ceiling > Some(1.0)) {
        let again = bench::ceilings(engine.device_mut(), repeats)?;
        let old = *ceilings;
        ALL.iter().for_each(|&ceiling| ceilings.raise(ceiling, again.rate(ceiling)));
        for (ceiling, share) in results.iter().filter_map(|r| r.ceiling.zip(r.of_ceiling)) {
            ceilings.raise(ceiling, share * old.rate(ceiling));
        }
        for r in results {
            r.of_ceiling =
                r.ceiling.zip(r.of_ceiling).map(|(c, share)| (share * old.rate(c) / ceilings.rate(c)).min(1.0));
        }
        say::say("note: results exceeded a rate of the device; the rates were measured again, and the highest counts");
    }
    Ok(())
}

/// What the system calls this machine.
fn host() -> String {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let name = read("/proc/sys/kernel/hostname").or_else(|| std::env::var("HOSTNAME").ok());
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok()).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpus = read("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, m)| m.trim());
    let model = model.map(|m| format!(" of {m}")).unwrap_or_default();
    format!("{} ({cores} cores{model}, {} {})", name.trim(), std::env::consts::OS, std::env::consts::ARCH)
}

fn text(report: &Report) -> String {
    let c = &report.ceilings;
    let matrices = if c.matrix_gflop_s > 0.0 {
        format!(", of matrices of f16 {:.1} GFLOP/s; products are {}", c.matrix_gflop_s, report.precision)
    } else {
        String::new()
    };
    format!(
        "{}\ncopy {:.1} GB/s, store {:.1} GB/s, multiply-add {:.1} GFLOP/s, of integers {:.1} GOP/s{matrices}\n\
         a launch {:.2} us, a submission {:.1} us, upload {:.1} GB/s, read-back {:.1} GB/s\n{}",
        report.adapter.text(),
        c.copy_gb_s,
        c.store_gb_s,
        c.madd_gflop_s,
        c.imadd_gop_s,
        c.launch_seconds * 1e6,
        c.submission_seconds * 1e6,
        c.upload_gb_s,
        c.read_back_gb_s,
        table(&rows(&report.results))
    )
}

/// The table's rows, the heading first.
fn rows(results: &[Outcome]) -> Vec<Vec<String>> {
    let mut rows = vec![row(["name", "shape", "time", "least", "+-", "rate", "of ceiling", "clock", ""])];
    for r in results {
        let of =
            r.of_ceiling.zip(r.ceiling).map(|(share, ceiling)| format!("{:.0} % {}", share * 100.0, name(&ceiling)));
        let milliseconds = |seconds: f64| format!("{:.3} ms", seconds * 1e3);
        let deviation = format!("{:.1} %", 100.0 * r.deviation_seconds / r.seconds);
        let rate = format!("{:.2} {}", r.rate, name(&r.unit));
        let round = r.dispatches.zip(r.device_bytes).map(|(n, held)| format!("{n} dispatches, {}", bytes(held)));
        let pair = r.against.as_ref().map(|a| format!("{:+.1} % against {}", (a.ratio - 1.0) * 100.0, a.name));
        rows.push(row([
            &r.name,
            &r.shape,
            &milliseconds(r.seconds),
            &milliseconds(r.min_seconds),
            &deviation,
            &rate,
            &of.unwrap_or_default(),
            &r.clock,
            &round.or(pair).unwrap_or_default(),
        ]));
    }
    rows
}

/// The name that a value has in JSON.
fn name<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
