//! `zowarmup bench diff`.

use std::path::Path;

use serde::Serialize;

use super::Report;
use crate::bench::{Difference, Verdict, diff};
use crate::cli::error::Error;
use crate::cli::output::{self, row, table};
use crate::files::{self, Limit};

/// The most that a result holds.
const LIMIT: Limit = Limit { bytes: 16 << 20, what: "a result of bench" };

#[derive(Serialize)]
struct Comparison {
    /// What differs beside the program.
    notes: Vec<String>,
    results: Vec<Difference>,
    faster: usize,
    slower: usize,
}

fn read(path: &Path) -> Result<Report, Error> {
    let bytes = files::read(path, LIMIT)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let path = path.display();
        Error::Request(format!("{path}: expected a result as `bench --json` prints it: {error}"))
    })
}

/// Compares two results.
pub fn execute(before: &Path, after: &Path, json: bool) -> Result<u8, Error> {
    let (a, b) = (read(before)?, read(after)?);
    let mut notes = Vec::new();
    for (what, a, b) in [
        ("adapter", a.adapter.text(), b.adapter.text()),
        ("host", a.host.clone(), b.host.clone()),
        ("commit", a.commit.clone(), b.commit.clone()),
    ] {
        if a != b {
            notes.push(format!("{what}: {a}, then {b}"));
        }
    }
    for (what, a, b) in [
        ("copy", a.ceilings.copy_gb_s, b.ceilings.copy_gb_s),
        ("store", a.ceilings.store_gb_s, b.ceilings.store_gb_s),
        ("multiply-add", a.ceilings.madd_gflop_s, b.ceilings.madd_gflop_s),
    ] {
        let change = b / a - 1.0;
        // Beyond it the machine itself was another, or busy.
        if change.is_finite() && change.abs() > 0.05 {
            notes.push(format!("the device's own {what} rate changed by {:+.1} %", 100.0 * change));
        }
    }
    let results = diff(&a.results, &b.results);
    let count = |verdict| results.iter().filter(|d| d.verdict == verdict).count();
    let (faster, slower) = (count(Verdict::Faster), count(Verdict::Slower));
    output::print(json, &Comparison { notes, faster, slower, results }, text)?;
    Ok(0)
}

fn text(c: &Comparison) -> String {
    let mut rows = vec![row(["name", "shape", "before", "after", "change", "+-", "verdict"])];
    for d in &c.results {
        let time = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |s| format!("{:.3} ms", s * 1e3));
        let percent = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{:.1} %", 100.0 * x));
        let change = d.ratio.map_or_else(String::new, |ratio| format!("{:+.1} %", 100.0 * (ratio - 1.0)));
        rows.push(row([
            &d.name,
            &d.shape,
            &time(d.before),
            &time(d.after),
            &change,
            &percent(d.uncertainty),
            match d.verdict {
                Verdict::Faster => "faster",
                Verdict::Slower => "slower",
                Verdict::Same => "same",
                Verdict::Alone => "",
            },
        ]));
    }
    let notes: String = c.notes.iter().map(|note| format!("{note}\n")).collect();
    format!("{notes}{}{} faster, {} slower\n", table(&rows), c.faster, c.slower)
}
