//! A sweep's cells as lines, for JSON and CSV.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use super::csv;
use crate::config::Config;
use crate::fed::sweep::{Cell, CellOutcome, CellResult, Description, Outcome};
use crate::fed::{Status, Summary};

/// The cells of an outcome, in its order.
pub fn lines(description: &Description, cells: &[Cell], outcome: &Outcome) -> Vec<CellLine> {
    let line = |came: &CellOutcome| {
        let cell = cells.iter().find(|cell| cell.name == came.name);
        let label = description.rows.get(came.row).map(|row| row.label.clone()).unwrap_or_default();
        CellLine::of(came, cell, label)
    };
    outcome.cells.iter().map(line).collect()
}

/// What the cells read: the base of their configs, samples, given partitions, first weights.
pub fn inputs(description: &Description, cells: &[Cell]) -> BTreeSet<PathBuf> {
    let read = cells.iter().filter_map(|cell| cell.config.as_ref().ok()).flat_map(Config::inputs);
    read.chain(description.base.clone()).collect()
}

/// Lines as CSV.
pub fn csv(lines: &[CellLine]) -> String {
    csv::lines(&lines.iter().map(CellLine::flat).collect::<Vec<_>>())
}

/// A cell. Figures that it has not, as all of one that isn't done, are null.
#[derive(Debug, Serialize)]
pub struct CellLine {
    dir: String,
    row: String,
    set: serde_json::Map<String, serde_json::Value>,
    seed: u64,
    /// `done`, `diverged`, `failed` or `pending`.
    pub status: &'static str,
    pivot_accuracy: Option<f64>,
    final_accuracy: Option<f64>,
    gain: Option<f64>,
    low_accuracy: Option<f64>,
    worst_tenth_accuracy: Option<f64>,
    validation_accuracy: Option<f64>,
    uplink_bytes: Option<u64>,
    downlink_bytes: Option<u64>,
    seconds: Option<f64>,
    message: Option<String>,
}

impl CellLine {
    fn of(came: &CellOutcome, cell: Option<&Cell>, row: String) -> Self {
        let summary: Option<&Summary> = came.done();
        let json = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
        let (status, message) = match &came.result {
            CellResult::Ended(s) if s.status == Status::Done => ("done", None),
            CellResult::Ended(_) => ("diverged", None),
            CellResult::Failed(why) => ("failed", Some(why.clone())),
            CellResult::Pending => ("pending", None),
        };
        Self {
            dir: came.dir.display().to_string(),
            row,
            set: cell.into_iter().flat_map(|cell| &cell.set).map(|(key, value)| (key.clone(), json(value))).collect(),
            seed: came.seed,
            status,
            pivot_accuracy: summary.and_then(|s| s.pivot_accuracy),
            final_accuracy: summary.and_then(|s| s.final_accuracy),
            gain: summary.and_then(|s| s.gain),
            low_accuracy: summary.and_then(|s| s.final_low_accuracy),
            worst_tenth_accuracy: summary.and_then(|s| s.final_worst_tenth_accuracy),
            validation_accuracy: summary.and_then(|s| s.validation_accuracy),
            uplink_bytes: summary.map(|s| s.uplink_bytes),
            downlink_bytes: summary.map(|s| s.downlink_bytes),
            seconds: summary.map(|s| s.seconds),
            message,
        }
    }

    /// With the keys that its row sets beside the others.
    fn flat(&self) -> serde_json::Map<String, serde_json::Value> {
        let object = serde_json::to_value(self).unwrap_or_default();
        let serde_json::Value::Object(mut line) = object else { return serde_json::Map::new() };
        line.shift_remove("set");
        line.extend(self.set.clone());
        line
    }
}
