//! `zowarmup compare`.

use std::path::PathBuf;

use clap::Args;

use super::args::ComputeArgs;
use super::cells;
use super::csv;
use super::error::Error;
use super::outfile::write_own;
use super::output;
use super::report;
use super::say::note;
use super::sweeping::{carry_out, conclude, folder};
use super::workers::WorkersArgs;
use crate::fed::sweep::{self, Comparison, Shard};
use crate::report::Report;

/// `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Methods by the names of presets [default: zowarmup,high-res-only,fedavg-all,heterofl]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Seeds of each method, such as 0..4 (both ends are in it) or 0,1,2
    #[arg(long, value_name = "SEEDS", default_value = "0..4")]
    pub seeds: String,
    /// Folder of the runs and the tables; runs that it holds finished are not run again [default: comparisons/CONFIG]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A test accuracy, 0 to 1: tells after how many rounds and bytes each method first reaches it
    #[arg(long, value_name = "ACCURACY", value_parser = share)]
    pub target: Option<f64>,
    /// Workers.
    #[command(flatten)]
    pub workers: WorkersArgs,
    /// Overrides, below what the methods set; device, output.
    #[command(flatten)]
    pub of: ComputeArgs,
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x: &f64| *x > 0.0 && *x <= 1.0);
    number.ok_or_else(|| "expected a number greater than 0 and at most 1".to_owned())
}

/// Runs what is missing, prints the methods side by side, and writes the same into the folder.
pub fn execute(args: &CompareArgs) -> Result<u8, Error> {
    let seeds = sweep::parse_seeds(&args.seeds).map_err(|message| Error::Request(format!("--{message}")))?;
    let usual = || sweep::METHODS.map(str::to_owned).to_vec();
    let methods = if args.methods.is_empty() { usual() } else { args.methods.clone() };
    if let Some((_, twice)) = methods.iter().enumerate().find(|(i, name)| methods[..*i].contains(name)) {
        return Err(Error::Request(format!("--methods: {twice} is named twice")));
    }
    let description = sweep::comparison(args.config.clone(), &methods, seeds, &args.of.set.set);
    let runs = description.cells()?;
    let dir = folder(args.out.as_deref(), "comparisons", args.config.as_deref());
    let outcome = carry_out((&description, &runs), Shard::ALL, &dir, &args.workers, &args.of.device)?;
    let comparison = Comparison::of(&description, &outcome, args.target, &dir);
    let table = comparison.markdown();
    let json = serde_json::to_string(&comparison).map_err(|e| Error::Output(e.into()))? + "\n";
    let title = args.config.as_deref().map_or_else(|| "the digits experiment".to_owned(), |c| c.display().to_string());
    let report = Report::of(&outcome.ended()).titled(&format!("Methods on {title}"));
    let lines = csv::lines(&csv::objects(&comparison.rows, &[]));
    let files = [("compare.csv", lines), ("compare.md", table.clone()), ("compare.json", json)];
    let inputs: Vec<PathBuf> = cells::inputs(&description, &runs).into_iter().chain(report.inputs()).collect();
    write_own(files.map(|(name, text)| (dir.join(name), text.into_bytes())), &inputs)?;
    report::write(&report, &dir)?;
    output::print(args.of.json.json, &comparison, |_| table)?;
    note(format_args!("report: {}", dir.join("report.html").display()));
    Ok(conclude(&outcome, &dir))
}
