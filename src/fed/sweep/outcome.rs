//! What came of a sweep: each cell's result, and means over the seeds of a row.

use std::path::PathBuf;

use serde::Serialize;

use super::figures::{Figures, clients};
use crate::config::Config;
use crate::fed::folder::{LOG_LIMIT, Lines, METRICS, parse_metrics};
use crate::fed::metrics::{RoundMetrics, Status, Summary};
use crate::files;

/// What came of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum CellResult {
    /// Its run has ended, done or diverged.
    Ended(Box<Summary>),
    /// It couldn't be run: why.
    Failed(String),
    /// It has not ended: the sweep was stopped before.
    Pending,
}

impl CellResult {
    /// Whether its run has ended, done or diverged.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

/// A cell and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct CellOutcome {
    /// The cell's name.
    pub name: String,
    /// Its row.
    pub row: usize,
    /// Its seed.
    pub seed: u64,
    /// Its folder.
    pub dir: PathBuf,
    /// What is run; none of a cell that can't be.
    pub config: Option<Config>,
    /// What came of it.
    pub result: CellResult,
}

impl CellOutcome {
    /// The summary of a cell that is done; of none that diverged.
    pub fn done(&self) -> Option<&Summary> {
        match &self.result {
            CellResult::Ended(summary) if summary.status == Status::Done => Some(summary),
            _ => None,
        }
    }

    /// The lines of metrics of a cell that is done; none where they can't be read.
    pub fn metrics(&self) -> Option<Vec<RoundMetrics>> {
        self.done()?;
        let path = self.dir.join(METRICS);
        let text = files::read(&path, LOG_LIMIT).ok()?;
        parse_metrics(&path, &Lines::of(&text).complete).ok()
    }

    /// Whether its run diverged.
    pub fn diverged(&self) -> bool {
        matches!(&self.result, CellResult::Ended(summary) if summary.status == Status::Diverged)
    }
}

/// What came of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The cells, in their order.
    pub cells: Vec<CellOutcome>,
    /// The sweep was stopped; running it again goes on.
    pub interrupted: bool,
}

/// A mean, and the deviation of a sample around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Sample deviation (divided by n - 1); none of a single value.
    #[serde(rename = "sd")]
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of values; none where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self { mean, deviation })
    }
}

/// A row over its cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowFigures {
    /// Cells that are done.
    pub done: usize,
    /// Cells that diverged.
    pub diverged: usize,
    /// Cells that failed or are still to be run.
    pub missing: usize,
    /// Figures over those that are done.
    pub of: Figures,
}

impl RowFigures {
    /// How many cells are done, and what became of the others: `4, 1 diverged`.
    pub fn runs(&self) -> String {
        let mut text = self.done.to_string();
        for (count, what) in [(self.diverged, "diverged"), (self.missing, "missing")] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }
}

impl Outcome {
    /// The cells that couldn't be run, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&CellOutcome, &str)> {
        self.cells.iter().filter_map(|cell| match &cell.result {
            CellResult::Failed(why) => Some((cell, why.as_str())),
            _ => None,
        })
    }

    /// The folders of the cells that have ended, done or diverged.
    pub fn ended(&self) -> Vec<PathBuf> {
        self.cells.iter().filter(|cell| cell.result.has_ended()).map(|cell| cell.dir.clone()).collect()
    }

    /// The fewest bytes that a row's client sends, in the mean over its cells that are done.
    pub fn smallest_uplink(&self) -> Option<u64> {
        let rows = self.cells.iter().map(|cell| cell.row).max()?;
        (0..=rows).filter_map(|row| self.row(row).of.uplink_bytes).min()
    }

    /// A row's accuracy by the time that a client has sent `bytes` bytes in the mean, over its cells that are done.
    pub fn at_uplink(&self, row: usize, bytes: u64) -> Option<Spread> {
        let cells = self.cells.iter().filter(|cell| cell.row == row);
        let reached = |cell: &CellOutcome| {
            let all = (bytes as f64 + 0.5) * clients(cell.config.as_ref()?);
            accuracy_within(&cell.metrics()?, all as u64)
        };
        Spread::of(&cells.filter_map(reached).collect::<Vec<f64>>())
    }

    /// A row.
    pub fn row(&self, row: usize) -> RowFigures {
        let cells: Vec<&CellOutcome> = self.cells.iter().filter(|cell| cell.row == row).collect();
        let done: Vec<(&Summary, &Config)> =
            cells.iter().filter_map(|cell| Some((cell.done()?, cell.config.as_ref()?))).collect();
        let diverged = cells.iter().filter(|cell| cell.diverged()).count();
        let missing = cells.len() - done.len() - diverged;
        RowFigures { done: done.len(), diverged, missing, of: Figures::of(&done) }
    }
}

fn accuracy_within(lines: &[RoundMetrics], bytes: u64) -> Option<f64> {
    let sent = lines.iter().scan(0u64, |sent, line| {
        *sent = sent.saturating_add(line.uplink_bytes);
        Some((*sent, line.test_accuracy))
    });
    sent.take_while(|(sent, _)| *sent <= bytes).filter_map(|(_, accuracy)| accuracy).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fed::metrics::Phase;

    #[test]
    fn accuracy_at_equal_uplink_is_that_of_the_last_evaluation_within_it() {
        let line = |(round, (bytes, accuracy)): (usize, &(u64, Option<f64>))| {
            let mut line = RoundMetrics::new(round as u32, Phase::Zo, 1.0, 2);
            (line.uplink_bytes, line.test_accuracy) = (*bytes, *accuracy);
            line
        };
        let rounds = [(10, None), (10, Some(0.5)), (5, None), (5, Some(0.75))];
        let lines: Vec<RoundMetrics> = rounds.iter().enumerate().map(line).collect();
        let found = [9, 19, 20, 29, 30, 1000].map(|bytes| accuracy_within(&lines, bytes));
        assert_eq!(found, [None, None, Some(0.5), Some(0.5), Some(0.75), Some(0.75)]);
    }

    #[test]
    fn means_and_sample_deviations() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[0.5]), Some(Spread { mean: 0.5, deviation: None }));
        // Squares of -3, -1, 1, 3 add up to 20; divided by 3.
        let four = Spread::of(&[1.0, 3.0, 5.0, 7.0]).unwrap();
        assert_eq!(four.mean, 4.0);
        assert!((four.deviation.unwrap() - (20f64 / 3.0).sqrt()).abs() < 1e-15);
    }
}
