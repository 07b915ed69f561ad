//! `zowarmup verify`.

use std::path::PathBuf;

use clap::Args;

use super::args::{DeviceArgs, JsonArgs};
use super::error::Error;
use super::output::{self, Steps, row, table, verdict};
use crate::verify::{self, FileReport};

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

/// Recomputes golden files and compares. Each file is shown as soon as it is done.
pub fn execute(args: &VerifyArgs) -> Result<u8, Error> {
    let mut steps = Steps::new(args.json.json);
    let report = verify::run(&args.files, &args.device.selection()?, |file, count| {
        steps.done(count.done, count.of, text(file).trim_end())
    })?;
    steps.line(&format!("{} on {}", verdict(report.passed), report.device))?;
    if args.json.json {
        output::print(true, &report, |_| String::new())?;
    }
    Ok(u8::from(!report.passed))
}

fn text(file: &FileReport) -> String {
    let mut rows = vec![row([&format!("{} ({})", file.file, file.kind), "error", "tolerance", verdict(file.passed)])];
    for t in &file.tensors {
        let (error, tolerance) = (format!("{:.2e}", t.error), format!("{:.2e}", t.tolerance));
        rows.push(row([&format!("  {}", t.name), &error, &tolerance, verdict(t.passed())]));
    }
    table(&rows)
}
