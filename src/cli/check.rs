//! `zowarmup check`.

use std::path::PathBuf;

use clap::Args;

use super::args::JsonArgs;
use super::error::{Error, FAILED};
use super::output::{self, row, table, verdict};
use crate::fed::check::{Check, check};

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder of the run
    pub dir: PathBuf,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Compares a finished run's files with what the run wrote.
pub fn execute(args: &CheckArgs) -> Result<u8, Error> {
    let result = check(&args.dir)?;
    output::print(args.json.json, &result, text)?;
    Ok(if result.passed { 0 } else { FAILED })
}

fn text(check: &Check) -> String {
    let mut rows = vec![row(["file", "sha-256", ""])];
    for file in &check.files {
        let short = |digest: &str| digest.chars().take(16).collect::<String>();
        let found = file.found.as_deref().map_or_else(|| "missing".to_owned(), short);
        let shown = if file.passed { found } else { format!("{found}, expected {}", short(&file.expected)) };
        rows.push(row([&file.file, &shown, verdict(file.passed)]));
    }
    format!("{}{}: {}\n", table(&rows), check.dir, verdict(check.passed))
}
