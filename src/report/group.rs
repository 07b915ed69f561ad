//! Runs that differ only by their seeds, and their figures.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::{Table, Value};

use crate::fed::Summary;
use crate::fed::record::Record;
use crate::fed::sweep::Spread;

/// Keys that make no other experiment: what is drawn, what it is called, where it lies and runs.
const APART: [&str; 5] = ["name", "seed", "seeds", "device", "data.path"];

/// Runs of one config with several seeds.
#[derive(Debug)]
pub struct Group {
    /// What it is called.
    pub label: String,
    /// The config's keys and values, but for seeds, name, device and the place of the data.
    pub settings: BTreeMap<String, String>,
    /// Its runs, done or diverged.
    pub runs: Vec<Record>,
}

/// A group's figures, over its runs that are done; accuracies 0..1, null where no run has them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The group's.
    pub label: String,
    /// Runs that are done.
    pub runs: usize,
    /// Runs that diverged: they are in no mean.
    pub diverged: usize,
    /// Accuracy at the pivot; null of runs of one phase.
    pub pivot: Option<Spread>,
    /// Accuracy of the last evaluation.
    #[serde(rename = "final")]
    pub last: Option<Spread>,
    /// Final less pivot accuracy, run by run; null of runs of one phase.
    pub gain: Option<Spread>,
    /// Final accuracy on the low-resource clients' labels.
    pub low_clients: Option<Spread>,
    /// On the high-resource clients'.
    pub high_clients: Option<Spread>,
    /// On those of the worst tenth of the clients.
    pub worst_tenth: Option<Spread>,
    /// Bytes that a client sends over the run, in the mean over clients and runs.
    pub uplink_bytes: Option<u64>,
    /// Bytes that it gets.
    pub downlink_bytes: Option<u64>,
    /// Wall time of a run.
    pub seconds: Option<f64>,
    /// The runs' folders.
    pub dirs: Vec<String>,
}

impl Group {
    /// The runs that are done.
    pub fn done(&self) -> impl Iterator<Item = &Record> {
        self.runs.iter().filter(|run| run.is_done())
    }

    /// A figure over the runs that are done.
    pub fn spread(&self, figure: impl Fn(&Record) -> Option<f64>) -> Option<Spread> {
        Spread::of(&self.done().filter_map(figure).collect::<Vec<f64>>())
    }

    /// A figure of the summaries over the runs that are done.
    pub fn of_summary(&self, figure: impl Fn(&Summary) -> Option<f64>) -> Option<Spread> {
        self.spread(|run| figure(&run.summary))
    }

    /// Its figures.
    pub fn figures(&self) -> Figures {
        let a_client = |bytes: fn(&Summary) -> u64| {
            let mean = self.spread(|run| Some(bytes(&run.summary) as f64 / clients(run)))?;
            Some(mean.mean.round() as u64)
        };
        let done = self.done().count();
        Figures {
            label: self.label.clone(),
            runs: done,
            diverged: self.runs.len() - done,
            pivot: self.spread(|run| run.summary.pivot_accuracy.filter(|_| run.has_pivot())),
            last: self.of_summary(|s| s.final_accuracy),
            gain: self.spread(|run| run.summary.gain.filter(|_| run.has_pivot())),
            low_clients: self.of_summary(|s| s.final_low_accuracy),
            high_clients: self.of_summary(|s| s.final_high_accuracy),
            worst_tenth: self.of_summary(|s| s.final_worst_tenth_accuracy),
            uplink_bytes: a_client(|s| s.uplink_bytes),
            downlink_bytes: a_client(|s| s.downlink_bytes),
            seconds: self.of_summary(|s| Some(s.seconds)).map(|s| s.mean),
            dirs: self.runs.iter().map(|run| run.dir.display().to_string()).collect(),
        }
    }
}

/// Clients of a run.
pub fn clients(run: &Record) -> f64 {
    f64::from(run.config.split.clients.max(1))
}

/// Puts runs together that have one label and differ by nothing but what stands [`APART`].
pub fn groups(records: Vec<Record>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for record in records {
        let (label, settings) = (label(&record), settings(&record));
        match groups.iter_mut().find(|group| group.label == label && group.settings == settings) {
            Some(group) => group.runs.push(record),
            None => groups.push(Group { label, settings, runs: vec![record] }),
        }
    }
    // The same name for different settings: the folder tells them apart.
    let labels: Vec<String> = groups.iter().map(|group| group.label.clone()).collect();
    for group in &mut groups {
        if labels.iter().filter(|label| **label == group.label).count() > 1 {
            group.label = group.runs[0].dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        }
    }
    groups
}

/// A sweep's folders end with the seed; other runs are called as their config says.
fn label(record: &Record) -> String {
    let name = record.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let row = name.strip_suffix(&format!("-s{}", record.config.seed)).filter(|row| !row.is_empty());
    row.map_or_else(|| record.config.name.clone(), str::to_owned)
}

fn settings(record: &Record) -> BTreeMap<String, String> {
    let table: Table = toml::from_str(&record.config.to_toml()).unwrap_or_default();
    let mut settings = BTreeMap::new();
    flatten("", &table, &mut settings);
    settings
}

fn flatten(prefix: &str, table: &Table, settings: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            _ if APART.contains(&key.as_str()) => {}
            Value::Table(inner) => flatten(&key, inner, settings),
            Value::String(text) => drop(settings.insert(key, text.clone())),
            other => drop(settings.insert(key, other.to_string())),
        }
    }
}
