//! `zowarmup sweep`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::args::{ComputeArgs, CsvArgs};
use super::cells::CellLine;
use super::error::Error;
use super::output::{self, quoted};
use super::say::note;
use super::sweeping::{carry_out, conclude, folder};
use super::workers::WorkersArgs;
use super::{cells, slurm};
use crate::fed::FedError;
use crate::fed::sweep::{self, Axis, Best, Cell, Description, Outcome, Shard, Spread, spread_text};

/// `sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// A sweep's description, or a config; without it the embedded digits experiment
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A config key and the values that it is to take, such as zo.lr=0.01,0.02; given several times, every combination
    #[arg(long, value_name = "KEY=VALUE,...")]
    pub grid: Vec<String>,
    /// Seeds of each row, in place of the description's, such as 0..4 (both ends are in it) or 0,1,2
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<String>,
    /// Folder of the runs; those that it holds finished are not run again [default: sweeps/FILE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Name the best of this key's values by training samples that no client gets (data.validation, 0.1 where it is 0), never by the
    /// test samples
    #[arg(long, value_name = "KEY")]
    pub best: Option<String>,
    /// Run one part of the cells only: 3/16 is the third of sixteen
    #[arg(long, value_name = "PART/PARTS")]
    pub shard: Option<Shard>,
    /// Run nothing; print a job array for Slurm that runs the sweep, a task a cell
    #[arg(long, conflicts_with_all = ["shard", "json", "csv", "jobs", "devices"])]
    pub slurm: bool,
    /// Workers.
    #[command(flatten)]
    pub workers: WorkersArgs,
    /// Table of the cells.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Overrides of every cell, below what the rows and the grid set; device, output.
    #[command(flatten)]
    pub of: ComputeArgs,
}

/// Runs the cells that have not ended, and prints the table.
pub fn execute(args: &SweepArgs) -> Result<u8, Error> {
    let csv = args.csv.file(args.file.as_deref())?;
    let (description, cells) = described(args)?;
    let csv = csv.map(|file| file.beside(cells::inputs(&description, &cells))).transpose()?;
    let dir = folder(args.out.as_deref(), "sweeps", args.file.as_deref());
    if args.slurm {
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        output::raw(&slurm::script(std::env::args_os(), &name, cells.len()))?;
        return Ok(0);
    }
    let shard = args.shard.unwrap_or(Shard::ALL);
    let outcome = carry_out((&description, &cells), shard, &dir, &args.workers, &args.of.device)?;
    let best = args.best.as_deref().map(|key| sweep::best(&description, &cells, &outcome, key)).transpose()?;
    let result = SweepResult::of(&description, &cells, &outcome, best, &dir);
    if let Some(file) = &csv {
        file.write(cells::csv(&result.cells).as_bytes())?;
    }
    output::print(args.of.json.json, &result, |result| {
        sweep::markdown(&description, &outcome) + &result.best.as_deref().map(best_text).unwrap_or_default()
    })?;
    let shown = quoted(&dir.display().to_string());
    note(format_args!("runs in {shown}; zowarmup report {shown} draws them"));
    Ok(conclude(&outcome, &dir))
}

/// The description and its cells; where a value is to be chosen, with samples to choose it by.
fn described(args: &SweepArgs) -> Result<(Description, Vec<Cell>), Error> {
    let mut description = description(args)?;
    let cells = description.cells().map_err(|e| in_file(args, e))?;
    let Some(key) = &args.best else { return Ok((description, cells)) };
    if !cells.iter().any(|cell| cell.set.iter().any(|(name, _)| name == key)) {
        return Err(Error::Request(format!(
            "--best {key}: no row sets this key; name its values with --grid {key}=..."
        )));
    }
    if cells.iter().all(|cell| cell.config.as_ref().is_ok_and(|config| config.data.validation > 0.0)) {
        return Ok((description, cells));
    }
    description.set.push(sweep::SHARE.to_owned());
    let cells = description.cells().map_err(|e| in_file(args, e))?;
    let without = |cell: &&Cell| cell.config.as_ref().is_ok_and(|config| config.data.validation == 0.0);
    match cells.iter().find(without) {
        None => Ok((description, cells)),
        Some(cell) => Err(Error::Request(format!(
            "--best {key}: cell {} sets data.validation = 0, and without validation samples nothing can be chosen",
            cell.name
        ))),
    }
}

/// What was chosen, and by what.
fn best_text(all: &[Best]) -> String {
    let percent = |spread: Option<Spread>| spread_text(spread, 100.0, 1);
    let mut out = String::from(
        "\nBest by the accuracy of the validation samples, training samples that no client has (data.validation); the test samples had no say:\n\n",
    );
    for best in all {
        let others: Vec<String> = best.others.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let at = if others.is_empty() { String::new() } else { format!(" at {}", others.join(", ")) };
        let Some(value) = &best.value else {
            out.push_str(&format!("- {}{at}: no value has all its runs done\n", best.key));
            continue;
        };
        let (by, test) = (percent(best.validation), percent(best.last));
        out.push_str(&format!("- {} = {value}{at}: validation {by} %, test {test} %\n", best.key));
    }
    out
}

/// The file's description with what the arguments say in its place, expanded.
fn description(args: &SweepArgs) -> Result<Description, Error> {
    let flag = |message: String| Error::Request(format!("--{message}"));
    let mut description = args.file.as_deref().map(Description::of_file).transpose()?.unwrap_or_default();
    for grid in &args.grid {
        description.grid.push(Axis::parse(grid).map_err(flag)?);
    }
    if let Some(seeds) = &args.seeds {
        description.seeds = sweep::parse_seeds(seeds).map_err(flag)?;
    }
    description.set.extend_from_slice(&args.of.set.set);
    if description.rows.is_empty() && description.grid.is_empty() {
        return Err(Error::Request(
            "nothing varies; name keys with --grid zo.lr=0.01,0.02, or a file with a [grid] or [[row]]s".to_owned(),
        ));
    }
    description.expanded().map_err(|e| in_file(args, e))
}

/// Names the file that is asked for; a config's own errors do already.
fn in_file(args: &SweepArgs, error: FedError) -> Error {
    match (&args.file, error) {
        (Some(file), FedError::Refused(message)) => Error::Request(format!("{}: {message}", file.display())),
        (_, error) => error.into(),
    }
}

/// What `sweep --json` prints.
#[derive(Debug, Serialize)]
struct SweepResult {
    cells: Vec<CellLine>,
    done: usize,
    diverged: usize,
    failed: usize,
    pending: usize,
    /// What `--best` asks for; null without it.
    best: Option<Vec<Best>>,
    dir: String,
}

impl SweepResult {
    fn of(description: &Description, cells: &[Cell], outcome: &Outcome, best: Option<Vec<Best>>, dir: &Path) -> Self {
        let lines = cells::lines(description, cells, outcome);
        let count = |status: &str| lines.iter().filter(|line| line.status == status).count();
        let (done, diverged) = (count("done"), count("diverged"));
        let (failed, pending) = (count("failed"), count("pending"));
        Self { cells: lines, done, diverged, failed, pending, best, dir: dir.display().to_string() }
    }
}
