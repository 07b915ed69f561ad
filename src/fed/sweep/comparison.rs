//! Methods side by side over seeds: a sweep whose rows are presets, and what each costs and gives.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::figures::{Figures, clients};
use super::paired::Paired;
use super::table::{aligned, mean_text, megabytes, spread_text};
use super::{CellOutcome, Description, Outcome, Row, RowFigures, Spread};

/// The methods that are compared where none are named: ZOWarmUp, the high-resource clients alone, the ceiling of all clients by backprop,
/// narrower models.
pub const METHODS: [&str; 4] = ["zowarmup", "high-res-only", "fedavg-all", "heterofl"];

/// The sweep of a comparison: a row a method, in this order, each with every seed; groups of clients are evaluated. `base` and `set` as in
/// [`Description`]: below what the methods set.
pub fn comparison(base: Option<PathBuf>, methods: &[String], seeds: Vec<u64>, set: &[String]) -> Description {
    let row = |name: &String| Row { label: name.clone(), preset: Some(name.clone()), ..Row::default() };
    let set = [&["eval.groups=true".to_owned()], set].concat();
    Description { base, set, seeds, rows: methods.iter().map(row).collect(), ..Description::default() }
}

/// What came of a comparison: what `compare --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// A row a method.
    pub rows: Vec<MethodRow>,
    /// The test accuracy whose rounds and bytes are told, 0..1.
    pub target: Option<f64>,
    /// Of each two methods, the difference of their final accuracies over the seeds that both have done.
    pub differences: Vec<Difference>,
    /// The folder of the runs.
    pub dir: String,
}

/// A method over its runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodRow {
    /// The preset's name.
    pub method: String,
    /// Runs that are done: those that the figures are of.
    pub seeds: usize,
    /// Runs that diverged.
    pub diverged: usize,
    /// Runs that failed or are still to be done.
    pub missing: usize,
    /// Figures over those that are done.
    #[serde(flatten)]
    pub figures: Figures,
    /// When the target was reached.
    #[serde(flatten)]
    pub reached: Reached,
}

/// When runs reach a test accuracy, at one of their evaluations; all null where none was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reached {
    /// Runs that do: those that the other figures are of.
    #[serde(rename = "target_reached")]
    pub runs: Option<usize>,
    /// Rounds that it takes.
    #[serde(rename = "target_rounds")]
    pub rounds: Option<Spread>,
    /// Bytes that a client has sent by then.
    #[serde(rename = "target_uplink_bytes")]
    pub uplink_bytes: Option<u64>,
    /// Bytes that it has got.
    #[serde(rename = "target_downlink_bytes")]
    pub downlink_bytes: Option<u64>,
}

/// Final accuracy of one method less that of another, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The method.
    pub method: String,
    /// The one whose accuracy is taken from its.
    pub less: String,
    /// The differences.
    #[serde(flatten)]
    pub paired: Paired,
}

impl Comparison {
    /// Of the outcome of a comparison's cells; `target`: a test accuracy, 0..1.
    pub fn of(description: &Description, outcome: &Outcome, target: Option<f64>, dir: &Path) -> Self {
        let rows = description.rows.iter().enumerate();
        let row = |(place, row): (usize, &Row)| MethodRow::of(&row.label, place, outcome, target);
        let mut differences = Vec::new();
        for (a, method) in rows.clone() {
            for (b, less) in rows.clone().skip(a + 1) {
                let paired = Paired::of(&finals(outcome, a, b));
                differences.extend(paired.map(|paired| Difference {
                    method: method.label.clone(),
                    less: less.label.clone(),
                    paired,
                }));
            }
        }
        Self { rows: rows.map(row).collect(), target, differences, dir: dir.display().to_string() }
    }

    /// Markdown tables with columns of one width each: percentages, bytes as millions.
    pub fn markdown(&self) -> String {
        let mut head = vec!["method", "runs", "pivot %", "final % (sd)", "gain", "low clients %", "worst tenth %"];
        head.extend(["MB up", "MB down", "client memory MB", "time s"]);
        let mut out = aligned(&head, &self.rows.iter().map(MethodRow::texts).collect::<Vec<_>>());
        if let Some(target) = self.target {
            let (share, head) = (100.0 * target, ["method", "reach it", "rounds (sd)", "MB up", "MB down"]);
            out.push_str(&format!("\nTo {share} % of the test samples:\n\n"));
            out.push_str(&aligned(&head, &self.rows.iter().map(MethodRow::target_texts).collect::<Vec<_>>()));
        }
        if !self.differences.is_empty() {
            out.push_str("\nFinal accuracy, seed by seed:\n\n");
            let head = ["difference", "seeds", "mean", "95 % interval"];
            out.push_str(&aligned(&head, &self.differences.iter().map(Difference::texts).collect::<Vec<_>>()));
        }
        out
    }
}

/// Final accuracies of a row less those of another, of the seeds that both have done.
fn finals(outcome: &Outcome, row: usize, less: usize) -> Vec<f64> {
    let of = |row: usize| outcome.cells.iter().filter(move |cell| cell.row == row);
    let last = |cell: &CellOutcome| cell.done()?.final_accuracy;
    let both = |cell: &CellOutcome| {
        let other = of(less).find(|other| other.seed == cell.seed)?;
        Some(last(cell)? - last(other)?)
    };
    of(row).filter_map(both).collect()
}

impl Reached {
    fn of(outcome: &Outcome, row: usize, target: f64) -> Self {
        let cells = outcome.cells.iter().filter(|cell| cell.row == row);
        let places: Vec<[f64; 3]> = cells.filter_map(|cell| reached(cell, target)).collect();
        let spread = |i: usize| Spread::of(&places.iter().map(|place| place[i]).collect::<Vec<f64>>());
        let bytes = |i: usize| spread(i).map(|bytes| bytes.mean.round() as u64);
        Self { runs: Some(places.len()), rounds: spread(0), uplink_bytes: bytes(1), downlink_bytes: bytes(2) }
    }
}

/// Rounds, and a client's bytes up and down, by the first evaluation of a cell that is at least `target`.
fn reached(cell: &CellOutcome, target: f64) -> Option<[f64; 3]> {
    let clients = clients(cell.config.as_ref()?);
    let lines = cell.metrics()?;
    let at = lines.iter().position(|line| line.test_accuracy.is_some_and(|accuracy| accuracy >= target))?;
    let sent = lines[..=at].iter().map(|line| line.uplink_bytes as f64).sum::<f64>();
    let got = lines[..=at].iter().map(|line| line.downlink_bytes as f64).sum::<f64>();
    Some([f64::from(lines[at].round) + 1.0, sent / clients, got / clients])
}

impl MethodRow {
    fn of(method: &str, place: usize, outcome: &Outcome, target: Option<f64>) -> Self {
        let RowFigures { done, diverged, missing, of } = outcome.row(place);
        let reached = target.map(|target| Reached::of(outcome, place, target)).unwrap_or_default();
        Self { method: method.to_owned(), seeds: done, diverged, missing, figures: of, reached }
    }

    fn texts(&self) -> Vec<String> {
        let percent = |spread| spread_text(spread, 100.0, 1);
        let (f, diverged, missing) = (&self.figures, self.diverged, self.missing);
        vec![
            self.method.clone(),
            RowFigures { done: self.seeds, diverged, missing, of: self.figures }.runs(),
            mean_text(f.pivot, 100.0, 1),
            percent(f.last),
            percent(f.gain),
            percent(f.low_clients),
            percent(f.worst_tenth),
            megabytes(f.uplink_bytes),
            megabytes(f.downlink_bytes),
            megabytes(f.client_memory_bytes),
            f.seconds.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}")),
        ]
    }

    fn target_texts(&self) -> Vec<String> {
        let r = &self.reached;
        vec![
            self.method.clone(),
            format!("{} of {}", r.runs.unwrap_or(0), self.seeds),
            spread_text(r.rounds, 1.0, 0),
            megabytes(r.uplink_bytes),
            megabytes(r.downlink_bytes),
        ]
    }
}

impl Difference {
    fn texts(&self) -> Vec<String> {
        let Paired { seeds, mean, low, high, .. } = self.paired;
        let interval = low
            .zip(high)
            .map_or_else(|| "-".to_owned(), |(low, high)| format!("{:+.1} to {:+.1}", 100.0 * low, 100.0 * high));
        let what = format!("{} less {}", self.method, self.less);
        vec![what, seeds.to_string(), format!("{:+.1}", 100.0 * mean), interval]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::fed::sweep::CellResult;

    /// Metrics of four rounds in a folder, and the cell of such a run.
    fn cell(dir: &Path, accuracies: [Option<f64>; 4]) -> CellOutcome {
        let mut summary = crate::fed::record::tests::summary();
        summary.rounds = 4;
        let line = |(round, accuracy): (usize, &Option<f64>)| {
            let mut line = crate::fed::RoundMetrics::new(round as u32, crate::fed::Phase::Zo, 1.0, 2);
            (line.test_accuracy, line.uplink_bytes, line.downlink_bytes) = (*accuracy, 40, 200);
            serde_json::to_string(&line).unwrap() + "\n"
        };
        std::fs::write(dir.join("metrics.jsonl"), accuracies.iter().enumerate().map(line).collect::<String>()).unwrap();
        let config = Config::load(None, &[]).unwrap();
        let (name, result) = ("a-s0".to_owned(), CellResult::Ended(Box::new(summary)));
        CellOutcome { name, row: 0, seed: 0, dir: dir.to_owned(), config: Some(config), result }
    }

    #[test]
    fn a_target_is_reached_at_the_first_evaluation_that_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let cell = cell(dir.path(), [Some(0.3), None, Some(0.8), Some(0.7)]);
        // 20 clients: three rounds of 40 bytes up are 6 of a client.
        assert_eq!(reached(&cell, 0.8), Some([3.0, 6.0, 30.0]));
        assert_eq!(reached(&cell, 0.3), Some([1.0, 2.0, 10.0]));
        assert_eq!(reached(&cell, 0.81), None);
        let outcome = Outcome { cells: vec![cell], interrupted: false };
        let of = Reached::of(&outcome, 0, 0.9);
        assert_eq!((of.runs, of.rounds), (Some(0), None));
    }
}
