//! Runs that differ only by their seeds, and their figures.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::{Table, Value};

use super::find::Indices;
use crate::config::Config;
use crate::fed::Summary;
use crate::fed::record::Record;
use crate::fed::sweep::{Figures, Spread};

/// Keys that make no other experiment: what is drawn, what it is called, where it lies and runs.
const APART: [&str; 5] = ["name", "seed", "seeds", "device", "data.path"];

/// Runs of one config with several seeds.
#[derive(Debug)]
pub struct Group {
    /// What it is called.
    pub label: String,
    /// The config's keys and values, but for seeds, name, device and the place of the data.
    pub settings: BTreeMap<String, String>,
    /// What the paper has in its place, where the runs' sweep says.
    pub paper: Option<String>,
    /// Its runs, done or diverged.
    pub runs: Vec<Record>,
}

/// A group's figures, over its runs that are done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupFigures {
    /// The group's.
    pub label: String,
    /// Runs that are done.
    pub runs: usize,
    /// Runs that diverged: they are in no mean.
    pub diverged: usize,
    /// Figures over those that are done.
    #[serde(flatten)]
    pub figures: Figures,
    /// Wall time in which a run's rounds waited for kernels to be compiled, in the mean.
    pub compile_seconds: Option<f64>,
    /// What the paper has in its place; null where the runs' sweep names nothing.
    pub paper: Option<String>,
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
    pub fn figures(&self) -> GroupFigures {
        let done: Vec<(&Summary, &Config)> = self.done().map(|run| (&run.summary, &run.config)).collect();
        GroupFigures {
            label: self.label.clone(),
            runs: done.len(),
            diverged: self.runs.len() - done.len(),
            figures: Figures::of(&done),
            compile_seconds: self.of_summary(|s| Some(s.compile_seconds)).map(|s| s.mean),
            paper: self.paper.clone(),
            dirs: self.runs.iter().map(|run| run.dir.display().to_string()).collect(),
        }
    }
}

/// Puts runs together that have one label and differ by nothing but what stands [`APART`].
pub fn groups(records: Vec<Record>, indices: &Indices) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for record in records {
        let row = indices.row(&record.dir);
        let label = row.map_or_else(|| label(&record), |row| row.label.clone());
        let paper = row.map(|row| row.paper.clone()).filter(|paper| !paper.is_empty());
        let settings = settings(&record);
        match groups.iter_mut().find(|group| group.label == label && group.settings == settings) {
            Some(group) => group.runs.push(record),
            None => groups.push(Group { label, settings, paper, runs: vec![record] }),
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
