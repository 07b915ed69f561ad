//! Methods side by side over seeds: a sweep whose rows are presets, and what each costs and gives.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::table::{aligned, mean_text, spread_text};
use super::{Cell, CellOutcome, Description, Outcome, Row, Spread};
use crate::fed::cost::client_memory;
use crate::fed::error::FedError;
use crate::fed::experiment::Experiment;
use crate::fed::metrics::Summary;

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
    /// The folder of the runs.
    pub dir: String,
}

/// A method over its runs that are done; figures that none of them has are null. Accuracies are 0..1.
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
    /// Accuracy at the pivot; null of a method of one phase.
    pub pivot: Option<Spread>,
    /// Accuracy of the last evaluation.
    #[serde(rename = "final")]
    pub last: Option<Spread>,
    /// Final less pivot accuracy, run by run; null of a method of one phase.
    pub gain: Option<Spread>,
    /// Final accuracy on the low-resource clients' labels.
    pub low_clients: Option<Spread>,
    /// On the high-resource clients'.
    pub high_clients: Option<Spread>,
    /// On those of the worst tenth of the clients.
    pub worst_tenth: Option<Spread>,
    /// Bytes that a client sends over the run: the mean over clients and runs.
    pub uplink_bytes: Option<u64>,
    /// Bytes that it gets.
    pub downlink_bytes: Option<u64>,
    /// What a low-resource client must hold to take part, by the paper's formulas, in the first run that is done; of a method without these
    /// clients what the others hold.
    pub client_memory_bytes: Option<u64>,
    /// Wall time of a run.
    pub seconds: Option<f64>,
}

impl Comparison {
    /// Of the outcome of a comparison's cells.
    ///
    /// # Errors
    /// Data that can't be read again, or that make no model: client memory follows from them.
    pub fn of(description: &Description, cells: &[Cell], outcome: &Outcome, dir: &Path) -> Result<Self, FedError> {
        let row = |(place, row): (usize, &Row)| MethodRow::of(&row.label, place, cells, outcome);
        let rows = description.rows.iter().enumerate().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { rows, dir: dir.display().to_string() })
    }

    /// A Markdown table with columns of one width each: percentages, bytes as millions.
    pub fn markdown(&self) -> String {
        let head = [
            "method",
            "runs",
            "pivot %",
            "final % (sd)",
            "gain",
            "low clients %",
            "worst tenth %",
            "MB up",
            "MB down",
            "client memory MB",
            "time s",
        ];
        aligned(&head, &self.rows.iter().map(MethodRow::texts).collect::<Vec<_>>())
    }
}

impl MethodRow {
    fn of(method: &str, place: usize, cells: &[Cell], outcome: &Outcome) -> Result<Self, FedError> {
        let figures = outcome.row(place);
        let done: Vec<(&CellOutcome, &Summary)> = outcome
            .cells
            .iter()
            .filter(|cell| cell.row == place)
            .filter_map(|cell| Some((cell, cell.done()?)))
            .collect();
        let config = done.first().and_then(|(came, _)| {
            let cell = cells.iter().find(|cell| cell.name == came.name)?;
            cell.config.as_ref().ok()
        });
        let (clients, memory) = match config {
            Some(config) => {
                let memory = client_memory(&Experiment::prepare(config)?).to_take_part(config);
                (f64::from(config.split.clients.max(1)), Some(memory))
            }
            None => (1.0, None),
        };
        // What comes before the first round, or follows the last one, is no pivot.
        let two_phases = config.is_some_and(|config| config.warmup.rounds > 0 && config.zo.rounds > 0);
        let of_two = |spread: Option<Spread>| spread.filter(|_| two_phases);
        let a_client = |bytes: Option<Spread>| bytes.map(|bytes| (bytes.mean / clients).round() as u64);
        Ok(Self {
            method: method.to_owned(),
            seeds: figures.done,
            diverged: figures.diverged,
            missing: figures.missing,
            pivot: of_two(figures.pivot),
            last: figures.last,
            gain: of_two(figures.gain),
            low_clients: figures.low,
            high_clients: figures.high,
            worst_tenth: figures.worst_tenth,
            uplink_bytes: a_client(figures.uplink),
            downlink_bytes: a_client(figures.downlink),
            client_memory_bytes: memory,
            seconds: figures.seconds.map(|seconds| seconds.mean),
        })
    }

    fn texts(&self) -> Vec<String> {
        let percent = |spread| spread_text(spread, 100.0, 1);
        let megabytes =
            |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |b| format!("{:.3}", 1e-6 * b as f64));
        let mut runs = self.seeds.to_string();
        for (count, what) in [(self.diverged, "diverged"), (self.missing, "missing")] {
            if count > 0 {
                runs.push_str(&format!(", {count} {what}"));
            }
        }
        vec![
            self.method.clone(),
            runs,
            mean_text(self.pivot, 100.0, 1),
            percent(self.last),
            percent(self.gain),
            percent(self.low_clients),
            percent(self.worst_tenth),
            megabytes(self.uplink_bytes),
            megabytes(self.downlink_bytes),
            megabytes(self.client_memory_bytes),
            self.seconds.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}")),
        ]
    }
}
