//! `zowarmup verify`.

use super::args::VerifyArgs;
use super::error::Error;
use super::output::{self, row, table, verdict};
use crate::verify::{self, Report};

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
