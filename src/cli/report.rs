//! `zowarmup report`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::args::{CsvArgs, JsonArgs};
use super::csv;
use super::error::{Error, FAILED};
use super::outfile::write_own;
use super::output;
use super::say::say;
use crate::report::{GroupFigures, Problem, Report, tensorboard};

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folders of runs that have ended, or folders that hold such: a sweep's, a comparison's
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Folder of report.html, report.md and report.json, which are replaced
    #[arg(long, value_name = "DIR", default_value = "report")]
    pub out: PathBuf,
    /// Write each run's curves as event files of TensorBoard into this folder, too
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// Table of the groups of runs.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// What `report --json` prints.
#[derive(Debug, Serialize)]
struct ReportResult {
    groups: Vec<GroupFigures>,
    problems: Vec<Problem>,
    dir: String,
}

impl ReportResult {
    fn of(report: &Report, dir: &Path) -> Self {
        Self { groups: report.figures(), problems: report.problems.clone(), dir: dir.display().to_string() }
    }
}

/// Reads the runs, writes the report and says where it is.
pub fn execute(args: &ReportArgs) -> Result<u8, Error> {
    let csv = args.csv.file(None)?;
    let report = Report::of(&args.runs);
    let csv = csv.map(|file| file.beside(report.inputs())).transpose()?;
    if report.groups.is_empty() {
        let messages: Vec<&str> = report.problems.iter().map(|problem| problem.message.as_str()).collect();
        return Err(Error::Request(format!("there is no run to report: {}", messages.join("; "))));
    }
    report.problems.iter().for_each(|problem| say(format_args!("left out: {}", problem.message)));
    write(&report, &args.out)?;
    if let Some(dir) = &args.tensorboard {
        write_own(tensorboard::files(&report, dir), &report.inputs())?;
    }
    let figures = report.figures();
    if let Some(file) = &csv {
        file.write(csv::lines(&csv::objects(&figures, &["dirs"])).as_bytes())?;
    }
    let status = if report.problems.is_empty() { 0 } else { FAILED };
    let result = ReportResult::of(&report, &args.out);
    output::print(args.json.json, &result, text)?;
    Ok(status)
}

/// Writes a report into a folder: the page, Markdown, and its figures as JSON.
pub fn write(report: &Report, dir: &Path) -> Result<(), Error> {
    let json = serde_json::to_string(&ReportResult::of(report, dir)).map_err(|e| Error::Output(e.into()))? + "\n";
    let files = [("report.json", json), ("report.md", report.markdown()), ("report.html", report.html())];
    write_own(files.map(|(name, text)| (dir.join(name), text.into_bytes())), &report.inputs())
}

fn text(result: &ReportResult) -> String {
    let runs: usize = result.groups.iter().map(|group| group.runs + group.diverged).sum();
    let dir = Path::new(&result.dir);
    format!("{runs} runs in {} groups: {}\n", result.groups.len(), dir.join("report.html").display())
}
