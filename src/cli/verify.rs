//! `zowarmup verify`.

use std::path::PathBuf;

use clap::Args;

use super::args::{DeviceArgs, JsonArgs};
use super::error::Error;
use super::output::{self, row, table, verdict};
use crate::verify::{self, Report};

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

/// Recomputes golden files and compares.
pub fn execute(args: &VerifyArgs) -> Result<u8, Error> {
    let report = verify::run(&args.files, &args.device.selection())?;
    output::print(args.json.json, &report, text)?;
    Ok(u8::from(!report.passed))
}

fn text(report: &Report) -> String {
    let mut rows = vec![row(["tensor", "error", "tolerance", ""])];
    for file in &report.files {
        rows.push(row([&format!("{} ({})", file.file, file.kind), "", "", verdict(file.passed)]));
        for t in &file.tensors {
            let (error, tolerance) = (format!("{:.2e}", t.error), format!("{:.2e}", t.tolerance));
            rows.push(row([&format!("  {}", t.name), &error, &tolerance, verdict(t.passed())]));
        }
    }
    format!("{}{} on {}\n", table(&rows), verdict(report.passed), report.device)
}
