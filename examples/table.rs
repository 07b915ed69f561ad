//! Runs a sweep (`configs/tables/*.toml`) and prints its table as Markdown.
//!
//! `cargo run --release --example table -- configs/tables/table3.toml OUT [--device D] [--base CONFIG] [--seeds 0,1] [--set KEY=VALUE]...`
//!
//! OUT keeps a run's folder a cell: run again it goes on where it was stopped. `--base` and `--seeds` stand in place of the description's,
//! `--set` lies below its rows. The table goes to standard output, everything else to standard error.

use std::path::PathBuf;
use std::process::ExitCode;

use zowarmup::fed::sweep::{self, CellOutcome, CellResult, Description, Watcher};
use zowarmup::fed::{FedError, Observer};

const USAGE: &str =
    "usage: table DESCRIPTION.toml OUT [--device D] [--base CONFIG] [--seeds 0,1,...] [--set KEY=VALUE]...";

struct Request {
    description: Description,
    out: PathBuf,
    device: Option<String>,
}

fn request(arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let (mut plain, mut device, mut base, mut seeds, mut sets) = (Vec::new(), None, None, None, Vec::new());
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--device" => device = Some(value()?),
            "--base" => base = Some(PathBuf::from(value()?)),
            "--seeds" => seeds = Some(sweep::parse_seeds(&value()?)?),
            "--set" => sets.push(value()?),
            _ => plain.push(argument),
        }
    }
    let [path, out] = &plain[..] else { return Err(USAGE.to_owned()) };
    let (mut description, _) = Description::load(path.as_ref()).map_err(|e| e.to_string())?;
    description.base = base.or(description.base);
    description.seeds = seeds.unwrap_or(description.seeds);
    description.set.extend(sets);
    Ok(Request { description, out: out.into(), device })
}

/// Says what is going on.
struct Progress;

impl Observer for Progress {
    fn note(&mut self, text: &str) {
        eprintln!("  {text}");
    }
}

impl Watcher for Progress {
    fn cell(&mut self, name: &str, done: usize, of: usize) {
        eprintln!("[{done}/{of}] {name}");
    }

    fn outcome(&mut self, cell: &CellOutcome) {
        match &cell.result {
            CellResult::Ended(summary) => {
                eprintln!(
                    "  {:?}: {} -> {}",
                    summary.status,
                    percent(summary.pivot_accuracy),
                    percent(summary.final_accuracy)
                );
            }
            CellResult::Failed(why) => eprintln!("  failed: {why}"),
            CellResult::Pending => {}
        }
    }

    fn observer(&mut self) -> &mut dyn Observer {
        self
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn execute() -> Result<bool, String> {
    let text = |e: FedError| e.to_string();
    let request = request(std::env::args().skip(1))?;
    let cells = request.description.cells().map_err(text)?;
    let outcome = sweep::run(&cells, &request.out, request.device.as_deref(), &mut Progress).map_err(text)?;
    print!("{}", sweep::markdown(&request.description, &outcome));
    outcome.failures().for_each(|(cell, why)| eprintln!("{}: {why}", cell.name));
    Ok(outcome.failures().count() == 0 && !outcome.interrupted)
}

fn main() -> ExitCode {
    match execute() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
