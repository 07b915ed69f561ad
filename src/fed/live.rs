//! A run as far as it has come, read from its folder while another process may be at work on it. Nothing in the folder is changed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::FedError;
use super::figures::Figures;
use super::folder::manifest::AdapterRecord;
use super::folder::{CONFIG, LEDGER, LOG_LIMIT, Lines, METRICS, Manifest, RunFolder, parse_metrics, read_summary};
use super::metrics::{Phase, RoundMetrics, Status, Summary};
use super::progress::{Ending, Progress};
use super::record::Record;
use crate::config::Config;
use crate::files::FileError;

/// The end of the ledger that is searched for the last round's rate.
const TAIL: u64 = 1 << 20;
/// The rate stands near the beginning of a round's line.
const HEAD: usize = 256;
/// Rounds that the time left is judged by.
const RECENT: usize = 20;

/// A run in progress, or one that has ended.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its folder.
    pub dir: PathBuf,
    /// Its config, complete.
    pub config: Config,
    /// A line a round.
    pub metrics: Vec<RoundMetrics>,
    /// How it ended; `None` while it goes on, or was killed.
    pub ended: Option<Status>,
    /// Of a run that has not ended, whether no process is at work on it: it was killed, or its machine went down.
    pub abandoned: bool,
    /// The rate of the last zeroth-order round.
    pub lr: Option<f64>,
    /// Time since a round was written; `None` before the first.
    pub age: Option<Duration>,
    adapter: Option<AdapterRecord>,
    summary: Option<Summary>,
    progress: Progress,
    /// Bytes of the metrics that are taken over.
    read: u64,
}

impl Live {
    /// The run in a folder.
    ///
    /// # Errors
    /// No run's folder; a file that can't be read or isn't what it should be.
    pub fn open(dir: &Path) -> Result<Self, FedError> {
        RunFolder::check_run(dir)?;
        let mut live = Self {
            dir: dir.to_owned(),
            config: Config::load(Some(&dir.join(CONFIG)), &[])?,
            metrics: Vec::new(),
            ended: None,
            abandoned: false,
            lr: None,
            age: None,
            adapter: None,
            summary: None,
            progress: Progress::default(),
            read: 0,
        };
        live.refresh()?;
        Ok(live)
    }

    /// Reads what was written since.
    ///
    /// # Errors
    /// A file that can't be read or isn't what it should be.
    pub fn refresh(&mut self) -> Result<(), FedError> {
        let new = self.read_metrics()?;
        let manifest = Manifest::read(&self.dir)?;
        self.adapter = manifest.as_ref().and_then(|manifest| manifest.adapters.last().cloned());
        for line in &new {
            if line.phase == Phase::Zo && self.progress.pivot.is_none() {
                // Of the last warm-up round, unless something was measured between the phases.
                let recorded = manifest.as_ref().and_then(|manifest| manifest.pivot.as_ref());
                let recorded = recorded.map(|p| Figures { loss: p.loss, accuracy: p.accuracy, groups: p.groups });
                let figures = recorded.or(self.progress.last).unwrap_or_default();
                self.progress.set_pivot(figures, self.config.warmup.rounds);
            }
            self.progress.follow(line, line.test_loss.is_some());
        }
        self.metrics.extend(new);
        self.lr = last_rate(&self.dir.join(LEDGER)).or(self.lr);
        self.summary = read_summary(&self.dir)?;
        // The summary of an interrupted part stays while the run goes on.
        let rounds = self.metrics.len();
        let ended = self.summary.as_ref().filter(|s| s.status != Status::Interrupted || s.rounds as usize >= rounds);
        self.ended = ended.map(|summary| summary.status);
        self.abandoned = self.ended.is_none() && RunFolder::is_in_use(&self.dir) == Some(false);
        Ok(())
    }

    /// The complete lines of the metrics that are new.
    fn read_metrics(&mut self) -> Result<Vec<RoundMetrics>, FedError> {
        let path = self.dir.join(METRICS);
        let failed = FileError::of(&path, "read");
        let mut file = match File::open(&path) {
            Ok(file) => file,
            // Before the first round.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e).into()),
        };
        let mut bytes = Vec::new();
        let found = file.metadata().and_then(|found| {
            if found.len() < self.read {
                // Begun anew, or cut off by `resume`.
                (self.read, self.progress) = (0, Progress::default());
                self.metrics.clear();
            }
            file.seek(SeekFrom::Start(self.read))?;
            file.take(LOG_LIMIT.bytes).read_to_end(&mut bytes)?;
            Ok(found)
        });
        let found = found.map_err(failed)?;
        let lines = Lines::of(&bytes).complete;
        let new = parse_metrics(&path, &lines)?;
        self.read += lines.iter().map(|line| line.len() as u64).sum::<u64>();
        self.age = found.modified().ok().and_then(|at| at.elapsed().ok()).filter(|_| self.read > 0);
        Ok(new)
    }

    /// Rounds in all.
    pub fn rounds(&self) -> u32 {
        self.config.warmup.rounds.saturating_add(self.config.zo.rounds)
    }

    /// Time that the rounds left will take, by the last ones.
    pub fn left(&self) -> Option<Duration> {
        if self.ended.is_some() || self.abandoned {
            return None;
        }
        let recent = &self.metrics[self.metrics.len().saturating_sub(RECENT)..];
        let seconds: f64 = recent.iter().map(|line| line.seconds).sum();
        let left = self.rounds().saturating_sub(self.metrics.len() as u32);
        Duration::try_from_secs_f64(f64::from(left) * seconds / recent.len() as f64).ok()
    }

    /// The adapter, as the run's manifest names it.
    pub fn adapter(&self) -> String {
        self.adapter.as_ref().map_or_else(|| "-".to_owned(), AdapterRecord::text)
    }

    /// What all rounds so far add up to: the run's own summary where it has ended.
    pub fn summary(&self) -> Summary {
        if let Some(summary) = self.summary.clone().filter(|_| self.ended.is_some()) {
            return summary;
        }
        let none = AdapterRecord {
            from_round: 0,
            name: "-".to_owned(),
            backend: String::new(),
            driver: String::new(),
            tier: String::new(),
            subgroup_size: 0,
        };
        self.progress.summary(Ending {
            dir: self.dir.display().to_string(),
            name: self.config.name.clone(),
            commit: String::new(),
            status: Status::Interrupted,
            adapter: self.adapter.clone().unwrap_or(none),
            client_memory_bytes: None,
            params: 0,
            fingerprint: String::new(),
            precision: self.config.device.precision,
            // The first is the pivot's.
            dl_error: self.metrics.iter().find_map(|line| line.dl_error),
        })
    }

    /// What a report takes: the rounds so far.
    pub fn record(&self) -> Record {
        let (config, summary, metrics) = (self.config.clone(), self.summary(), self.metrics.clone());
        Record { dir: self.dir.clone(), config, summary, metrics }
    }
}

/// The rate in the last whole line of a ledger, where its line is not too long to look for.
fn last_rate(ledger: &Path) -> Option<f64> {
    let mut file = File::open(ledger).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    let whole = &tail[..=tail.iter().rposition(|&b| b == b'\n')?];
    let start = whole[..whole.len() - 1].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let head = String::from_utf8_lossy(&whole[start..whole.len().min(start + HEAD)]).into_owned();
    let number = head.split_once("\"lr\":")?.1;
    number.split([',', '}']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.jsonl");
        assert_eq!(last_rate(&path), None);
        let header = "{\"format\":\"zowarmup-ledger\",\"version\":1}\n";
        for (text, expected) in [
            ("", None),
            (header, None),
            ("{\"round\":3,\"lr\":0.05,\"probes\":[]}\n", Some(0.05)),
            ("{\"round\":3,\"lr\":0.05}\n{\"round\":4,\"lr\":1e-3}\n{\"round\":5,\"lr\":7", Some(1e-3)),
        ] {
            std::fs::write(&path, format!("{header}{text}")).unwrap();
            assert_eq!(last_rate(&path), expected, "{text}");
        }
        // A line that doesn't fit the part that is searched has no rate that can be found.
        std::fs::write(&path, format!("{{\"round\":3,\"lr\":0.05,\"x\":\"{}\"}}\n", " ".repeat(TAIL as usize)))
            .unwrap();
        assert_eq!(last_rate(&path), None);
    }
}
