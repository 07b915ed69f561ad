//! A run that has ended, read back from its folder.

use std::path::{Path, PathBuf};

use super::check;
use super::error::FedError;
use super::folder::{CONFIG, FolderError, LOG_LIMIT, Lines, METRICS, Manifest, RunFolder, parse_metrics, read_summary};
use super::metrics::{RoundMetrics, Status, Summary};
use crate::config::Config;
use crate::files;

/// What a run that has ended, done or diverged, leaves to report.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its folder.
    pub dir: PathBuf,
    /// Its config, complete.
    pub config: Config,
    /// Its summary.
    pub summary: Summary,
    /// A line a round.
    pub metrics: Vec<RoundMetrics>,
}

impl Record {
    /// Reads the run in a folder. Nothing in it is locked or changed.
    ///
    /// # Errors
    /// No run's folder; a run that has not ended; a file that can't be read, isn't what it should be, or doesn't go with the others.
    pub fn read(dir: &Path) -> Result<Self, FedError> {
        RunFolder::check_run(dir)?;
        let config = Config::load(Some(&dir.join(CONFIG)), &[])?;
        let path = dir.join(METRICS);
        let log = files::read(&path, LOG_LIMIT);
        let summary = read_summary(dir)?.filter(|summary| summary.status != Status::Interrupted);
        let Some(summary) = summary else {
            let lines = log.map(|bytes| Lines::of(&bytes).complete.len()).unwrap_or(0);
            let rounds = config.warmup.rounds.saturating_add(config.zo.rounds);
            return Err(FedError::Refused(format!(
                "{}: the run has not ended: {lines} of {rounds} rounds are done; `zowarmup resume` goes on with it",
                dir.display()
            )));
        };
        let metrics = parse_metrics(&path, &Lines::of(&log?).complete)?;
        if metrics.len() != summary.rounds as usize && summary.status == Status::Done {
            let message = format!("expected {} lines, one a round, found {}", summary.rounds, metrics.len());
            return Err(FolderError::Malformed { path, message }.into());
        }
        // Folders of versions before manifests are taken as they are.
        if let Some(manifest) = Manifest::read(dir)?.filter(Manifest::ended) {
            check::assert_figures(dir, &manifest)?;
        }
        Ok(Self { dir: dir.to_owned(), config, summary, metrics })
    }

    /// Whether its figures are those of its rounds: all of them, or, of a run in progress ([`super::live`]), those so far. One that diverged
    /// has none.
    pub fn is_done(&self) -> bool {
        self.summary.status != Status::Diverged
    }

    /// Whether it has both phases, and so a pivot between them.
    pub fn has_pivot(&self) -> bool {
        self.config.warmup.rounds > 0 && self.config.zo.rounds > 0
    }
}

#[cfg(test)]
pub(in crate::fed) mod tests {
    use super::*;
    use crate::fed::metrics::SCHEMA;

    /// A summary of a run that is done.
    pub fn summary() -> Summary {
        let text = format!(
            r#"{{"dir":"a","name":"a","version":"0","commit":"","schema":{SCHEMA},"status":"done","adapter":"x","backend":"x","driver":"",
            "tier":"core","seconds":1.5,"rounds":3,"pivot_accuracy":0.5,"pivot_loss":1.0,"final_accuracy":0.75,"final_loss":0.5,
            "best_accuracy":0.75,"best_round":2,"gain":0.25,"uplink_bytes":1,"downlink_bytes":2,"params":10,"fingerprint":"00"}}"#
        );
        serde_json::from_str(&text).unwrap()
    }
}
