//! `zowarmup reproduce`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::{ComputeArgs, CsvArgs};
use super::cells;
use super::error::Error;
use super::outfile::write_all;
use super::output;
use super::report;
use super::say::note;
use super::sweeping::{carry_out, conclude};
use super::workers::WorkersArgs;
use crate::fed::sweep::{self, Cell, Description, Outcome, Reproduction, Shard, Size, TABLES};
use crate::report::{GroupFigures, Report};

/// What figure 5 needs that this program lacks.
const FIGURE_5: &str = "figure5 fine-tunes a language model of 1.3 billion weights with FedKSeed, one local step against 200: this program \
has no token data, no embedding of a vocabulary, no loss over a sequence, and reads no such weights. `reproduce table3` has local steps of \
zeroth-order clients on images";

/// `reproduce`.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    /// table1 to table7, figure3, figure4, figure6 or figure7
    #[arg(value_name = "TABLE")]
    pub table: String,
    /// Made small, for a machine without a GPU: on digits
    #[arg(long)]
    pub small: bool,
    /// With --small: on Fashion-MNIST in place of digits
    #[arg(long, requires = "small")]
    pub fashion: bool,
    /// Seeds of each row, in place of the table's
    #[arg(long, value_name = "SEEDS")]
    pub seeds: Option<String>,
    /// Folder of the runs and the report; runs that it holds finished are not run again [default: reproductions/TABLE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Workers.
    #[command(flatten)]
    pub workers: WorkersArgs,
    /// Table of the cells.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Overrides, below what the rows set; device, output.
    #[command(flatten)]
    pub of: ComputeArgs,
}

/// What `reproduce --json` prints.
#[derive(Debug, Serialize)]
struct ReproduceResult {
    table: String,
    paper: String,
    groups: Vec<GroupFigures>,
    failed: usize,
    pending: usize,
    dir: String,
}

/// Runs what is missing, prints the table with the paper's values beside it, and writes the report.
pub fn execute(args: &ReproduceArgs) -> Result<u8, Error> {
    let table = named(&args.table)?;
    let csv = args.csv.file(None)?;
    let (size, name) = match (args.small, args.fashion) {
        (false, _) => (Size::Paper, table.name.to_owned()),
        (true, false) => (Size::Digits, format!("{}-digits", table.name)),
        (true, true) => (Size::Fashion, format!("{}-fashion", table.name)),
    };
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from("reproductions").join(name));
    let (description, runs) = described(args, table, size, &dir)?;
    let csv = csv.map(|file| file.beside(cells::inputs(&description, &runs))).transpose()?;
    let outcome = carry_out((&description, &runs), Shard::ALL, &dir, &args.workers, &args.of.device)?;
    let report = Report::of(&outcome.ended()).titled(&description.title);
    let drawn = !report.groups.is_empty();
    if drawn {
        report::write(&report, &dir)?;
    }
    if let Some(file) = &csv {
        file.write(cells::csv(&cells::lines(&description, &runs, &outcome)).as_bytes())?;
    }
    output::print(args.of.json.json, &result(&description, &outcome, &report, dir.display().to_string()), |_| {
        sweep::markdown(&description, &outcome)
    })?;
    if drawn {
        note(format_args!("report: {}", dir.join("report.html").display()));
    }
    Ok(conclude(&outcome, &dir))
}

fn named(name: &str) -> Result<&'static Reproduction, Error> {
    if name == "figure5" {
        return Err(Error::Request(FIGURE_5.to_owned()));
    }
    Reproduction::named(name).ok_or_else(|| {
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        Error::Request(format!("reproduce {name}: expected one of {}", names.join(", ")))
    })
}

/// The table's sweep, written below the folder.
fn described(
    args: &ReproduceArgs,
    table: &Reproduction,
    size: Size,
    dir: &std::path::Path,
) -> Result<(Description, Vec<Cell>), Error> {
    let mut description = Description::parse(table.name, table.text(size))?;
    description.base = Some(dir.join("configs").join(base_name(&description)));
    // The configs lie elsewhere: data are looked for below the current folder.
    let data = match size {
        Size::Paper => Some("data.path=data/cifar10"),
        Size::Digits => None,
        Size::Fashion => Some("data.path=data/fashion-mnist"),
    };
    description.set.extend(data.map(str::to_owned));
    description.set.extend_from_slice(&args.of.set.set);
    if let Some(seeds) = &args.seeds {
        description.seeds = sweep::parse_seeds(seeds).map_err(|message| Error::Request(format!("--{message}")))?;
    }
    let description = description.expanded()?;
    // What stands there already stays as it is; what somebody has edited, too.
    let missing = |(path, text): &(PathBuf, &str)| !std::fs::read(path).is_ok_and(|found| found == text.as_bytes());
    let files = table.files(size, dir).into_iter().filter(missing);
    write_all(files.map(|(path, text)| (path, text.into())), args.csv.force.force, &[])?;
    let cells = description.cells()?;
    Ok((description, cells))
}

/// The file name of a description's base.
fn base_name(description: &Description) -> PathBuf {
    description.base.as_deref().and_then(|base| base.file_name()).map(PathBuf::from).unwrap_or_default()
}

fn result(description: &Description, outcome: &Outcome, report: &Report, dir: String) -> ReproduceResult {
    let pending = outcome.cells.iter().filter(|cell| cell.result == sweep::CellResult::Pending).count();
    ReproduceResult {
        table: description.table.clone(),
        paper: description.paper.clone(),
        groups: report.figures(),
        failed: outcome.failures().count(),
        pending,
        dir,
    }
}
