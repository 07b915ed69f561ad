//! `zowarmup sweep`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, ForceArgs, JsonArgs, SetArgs};
use super::csv;
use super::error::Error;
use super::outfile::OutFile;
use super::output;
use super::sweeping::{Sweeping, conclude, folder};
use crate::fed::sweep::{self, Axis, Cell, CellOutcome, CellResult, Description, Outcome, Shard};
use crate::fed::{FedError, Status, Summary};

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
    /// Run one part of the cells only: 3/16 is the third of sixteen
    #[arg(long, value_name = "PART/PARTS")]
    pub shard: Option<Shard>,
    /// Write a line a cell as CSV, too
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
    /// Overrides of every cell, below what the rows and the grid set.
    #[command(flatten)]
    pub set: SetArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Runs the cells that have not ended, and prints the table.
pub fn execute(args: &SweepArgs) -> Result<u8, Error> {
    let inputs: Vec<&Path> = args.file.iter().map(PathBuf::as_path).collect();
    let csv = args.csv.as_deref().map(|path| OutFile::new(path, args.force.force, &inputs)).transpose()?;
    let description = description(args)?;
    let cells = description.cells().map_err(|e| in_file(args, e))?;
    let dir = folder(args.out.as_deref(), "sweeps", args.file.as_deref());
    let shard = args.shard.unwrap_or(Shard::ALL);
    let count = (0..cells.len()).filter(|&cell| shard.has(cell)).count();
    let mut watcher = Sweeping::new(count);
    let outcome = sweep::run_shard(&cells, shard, &dir, args.device.device.as_deref(), &mut watcher)?;
    drop(watcher);
    let result = SweepResult::of(&description, &cells, &outcome, &dir);
    if let Some(file) = &csv {
        file.write(csv::lines(&result.cells.iter().map(CellLine::flat).collect::<Vec<_>>()).as_bytes())?;
    }
    output::print(args.json.json, &result, |_| sweep::markdown(&description, &outcome))?;
    Ok(conclude(&outcome, &dir))
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
    description.set.extend_from_slice(&args.set.set);
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
    dir: String,
}

/// A cell. Figures that it has not, as all of one that isn't done, are null.
#[derive(Debug, Serialize)]
struct CellLine {
    dir: String,
    row: String,
    set: serde_json::Map<String, serde_json::Value>,
    seed: u64,
    status: &'static str,
    pivot_accuracy: Option<f64>,
    final_accuracy: Option<f64>,
    gain: Option<f64>,
    low_accuracy: Option<f64>,
    worst_tenth_accuracy: Option<f64>,
    uplink_bytes: Option<u64>,
    downlink_bytes: Option<u64>,
    seconds: Option<f64>,
    message: Option<String>,
}

impl SweepResult {
    fn of(description: &Description, cells: &[Cell], outcome: &Outcome, dir: &Path) -> Self {
        let line = |came: &CellOutcome| {
            let cell = cells.iter().find(|cell| cell.name == came.name);
            let label = description.rows.get(came.row).map(|row| row.label.clone()).unwrap_or_default();
            CellLine::of(came, cell, label)
        };
        let lines: Vec<CellLine> = outcome.cells.iter().map(line).collect();
        let count = |status: &str| lines.iter().filter(|line| line.status == status).count();
        let (done, diverged) = (count("done"), count("diverged"));
        let (failed, pending) = (count("failed"), count("pending"));
        Self { cells: lines, done, diverged, failed, pending, dir: dir.display().to_string() }
    }
}

impl CellLine {
    fn of(came: &CellOutcome, cell: Option<&Cell>, row: String) -> Self {
        let summary: Option<&Summary> = came.done();
        let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
        let (status, message) = match &came.result {
            CellResult::Ended(s) if s.status == Status::Done => ("done", None),
            CellResult::Ended(_) => ("diverged", None),
            CellResult::Failed(why) => ("failed", Some(why.clone())),
            CellResult::Pending => ("pending", None),
        };
        Self {
            dir: came.dir.display().to_string(),
            row,
            set: cell.into_iter().flat_map(|cell| &cell.set).map(|(key, value)| (key.clone(), json(value))).collect(),
            seed: came.seed,
            status,
            pivot_accuracy: summary.and_then(|s| s.pivot_accuracy),
            final_accuracy: summary.and_then(|s| s.final_accuracy),
            gain: summary.and_then(|s| s.gain),
            low_accuracy: summary.and_then(|s| s.final_low_accuracy),
            worst_tenth_accuracy: summary.and_then(|s| s.final_worst_tenth_accuracy),
            uplink_bytes: summary.map(|s| s.uplink_bytes),
            downlink_bytes: summary.map(|s| s.downlink_bytes),
            seconds: summary.map(|s| s.seconds),
            message,
        }
    }

    /// With the keys that its row sets beside the others.
    fn flat(&self) -> serde_json::Map<String, serde_json::Value> {
        let object = serde_json::to_value(self).unwrap_or_default();
        let serde_json::Value::Object(mut line) = object else { return serde_json::Map::new() };
        line.shift_remove("set");
        line.extend(self.set.clone());
        line
    }
}
