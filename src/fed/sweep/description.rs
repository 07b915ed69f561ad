//! A sweep as a TOML file: a base config, rows of settings, a grid, seeds.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::grid::{self, Axis};
use super::seeds::{only_once, parse_seeds};
use super::{Cell, Row, paper};
use crate::config::{Config, ConfigError, Layers, Preset};
use crate::fed::error::FedError;
use crate::fed::experiment::table_of;
use crate::files::{self, Limit};

/// No description is larger: it is a page or two of text.
const LIMIT: Limit = Limit { bytes: 1 << 20, what: "a sweep" };

/// Most cells of a sweep: each has a config in memory, and a folder.
const MOST_CELLS: usize = 100_000;

/// What a file describes: each row, at each point of the grid, is run once with each seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// A heading.
    #[serde(default)]
    pub title: String,
    /// What it is compared with, in words: printed below the results. Of one that names its table, that table's heading.
    #[serde(default)]
    pub paper: String,
    /// Which of the paper's tables and figures it is: `table2`, where rows find their `value`.
    #[serde(default)]
    pub table: String,
    /// The config that every cell starts from, relative to the description's folder; none: the embedded digits experiment.
    pub base: Option<PathBuf>,
    /// `key.path=value` of every cell, below the rows' presets.
    #[serde(default)]
    pub set: Vec<String>,
    /// Seeds: each is a cell's `seed`.
    #[serde(default = "one_seed", deserialize_with = "seeds_of")]
    pub seeds: Vec<u64>,
    /// The rows.
    #[serde(default, rename = "row")]
    pub rows: Vec<Row>,
    /// Keys with the values that they are to take; none: the rows alone.
    #[serde(default, deserialize_with = "grid::axes_of")]
    pub grid: Vec<Axis>,
}

impl Default for Description {
    fn default() -> Self {
        let (title, paper, table) = (String::new(), String::new(), String::new());
        Self { title, paper, table, base: None, set: Vec::new(), seeds: one_seed(), rows: Vec::new(), grid: Vec::new() }
    }
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

/// A list of seeds, or a text such as `"0..4"`.
fn seeds_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seeds {
        List(Vec<u64>),
        Text(String),
    }
    let expected = |_| D::Error::custom("seeds: expected a list of numbers from 0 on, or a text such as \"0..4\"");
    match Seeds::deserialize(deserializer).map_err(expected)? {
        Seeds::List(list) => Ok(list),
        Seeds::Text(text) => parse_seeds(&text).map_err(D::Error::custom),
    }
}

impl Description {
    /// Reads a description, and its cells, row after row. Its grid has become rows.
    ///
    /// # Errors
    /// A file that isn't a description; what [`Description::cells`] refuses.
    pub fn load(path: &Path) -> Result<(Self, Vec<Cell>), FedError> {
        let description = Self::read(path)?.expanded().map_err(|e| in_file(path, &e))?;
        let cells = description.cells().map_err(|e| in_file(path, &e))?;
        Ok((description, cells))
    }

    /// Reads a description as it stands, or, where the file is a config, makes one of it: the config as its base, and no rows.
    ///
    /// # Errors
    /// A file that is neither.
    pub fn of_file(path: &Path) -> Result<Self, FedError> {
        // Both have `seeds`: a list or a text here, a table there.
        let of_config = |(key, value): (&String, &toml::Value)| {
            if key == "seeds" { value.is_table() } else { Config::has_root_key(key) }
        };
        let bytes = files::read(path, LIMIT)?;
        let table: Option<toml::Table> = String::from_utf8(bytes).ok().and_then(|text| toml::from_str(&text).ok());
        match table {
            Some(table) if table.is_empty() || table.iter().any(of_config) => {
                Ok(Self { base: Some(path.to_owned()), ..Self::default() })
            }
            _ => Self::read(path),
        }
    }

    /// Reads a description as it stands.
    ///
    /// # Errors
    /// A file that isn't a description.
    pub fn read(path: &Path) -> Result<Self, FedError> {
        let bytes = files::read(path, LIMIT)?;
        let text = String::from_utf8(bytes).map_err(|e| in_file(path, &e))?;
        let mut description = Self::parse(&path.display().to_string(), &text)?;
        description.base = description.base.map(|base| files::folder_of(path).join(base));
        Ok(description)
    }

    /// Reads a description from text, its base as it stands there; `name` is what it is called in messages.
    ///
    /// # Errors
    /// A text that isn't a description.
    pub fn parse(name: &str, text: &str) -> Result<Self, FedError> {
        let refused = |message: &str| FedError::Refused(format!("{name}: {message}"));
        let mut description: Self = toml::from_str(text).map_err(|e| refused(e.to_string().trim_end()))?;
        description.take_values().map_err(|message| refused(&message))?;
        Ok(description)
    }

    /// Puts the paper's values in the place of their names.
    fn take_values(&mut self) -> Result<(), String> {
        if !self.table.is_empty() {
            let title = paper::title(&self.table)?;
            if self.paper.is_empty() {
                self.paper = title;
            }
        }
        for row in self.rows.iter_mut().filter(|row| !row.value.is_empty()) {
            let of_row = |message| format!("row {:?}: {message}", row.label);
            row.paper = paper::value(&self.table, &row.value).map_err(of_row)?;
        }
        Ok(())
    }

    /// With a row for each of its rows at each point of the grid, and no grid.
    ///
    /// # Errors
    /// A key that the grid has twice, or a grid of too many points.
    pub fn expanded(mut self) -> Result<Self, FedError> {
        self.rows = grid::expand(&self.rows, &self.grid).map_err(FedError::Refused)?;
        self.grid.clear();
        Ok(self)
    }

    /// The cells of an expanded description, row after row. A cell with a value that makes no sense has the reason in its config's place.
    ///
    /// # Errors
    /// No row or no seed; too many cells; labels or seeds that aren't each other's only ones; a base that is no config; an unknown key or preset.
    pub fn cells(&self) -> Result<Vec<Cell>, FedError> {
        let refuse = |message: &str| Err(FedError::Refused(message.to_owned()));
        if self.rows.is_empty() || self.seeds.is_empty() {
            return refuse("expected at least one [[row]] or a [grid], and one of seeds");
        }
        if let Err(seed) = only_once(&self.seeds) {
            return refuse(&format!("seeds: {seed} is named twice"));
        }
        let (rows, seeds) = (self.rows.len(), self.seeds.len());
        if rows.saturating_mul(seeds) > MOST_CELLS {
            return refuse(&format!(
                "seeds: {seeds} of them in {rows} rows make too many cells, expected at most {MOST_CELLS}"
            ));
        }
        // Said once, and not for each cell.
        Config::load(self.base.as_deref(), &[])?;
        let mut names = std::collections::HashSet::new();
        let mut cells: Vec<Cell> = Vec::new();
        for (row, of) in self.rows.iter().enumerate() {
            let in_row = |e: ConfigError| FedError::Refused(format!("row {:?}: {e}", of.label));
            let preset = of.preset.as_deref().map(Preset::named).transpose().map_err(in_row)?;
            let set = of.set.iter().map(|argument| Config::setting(argument)).collect::<Result<Vec<_>, _>>();
            let set = set.map_err(in_row)?;
            for &seed in &self.seeds {
                let name = format!("{}-s{seed}", slug(&of.label));
                if !names.insert(name.clone()) {
                    return refuse(&format!(
                        "row {:?}, seed {seed}: its folder {name} is another cell's, too",
                        of.label
                    ));
                }
                let config = match self.config(of, preset, seed) {
                    Ok(config) => table_of(&config).map(|_| config).map_err(|e| e.to_string()),
                    // The value's fault: another row's may be good. Where it stands, in the grid or a row, its cell's name tells.
                    Err(e @ ConfigError::Value { .. }) => Err(e.to_string().trim_start_matches("--set: ").to_owned()),
                    Err(e) => return Err(in_row(e)),
                };
                cells.push(Cell { name, row, seed, set: set.clone(), config });
            }
        }
        Ok(cells)
    }

    fn config(&self, row: &Row, preset: Option<&'static Preset>, seed: u64) -> Result<Config, ConfigError> {
        let mut then = row.set.clone();
        then.push(format!("seed=\"0x{seed:x}\""));
        Config::load_layers(self.base.as_deref(), &Layers { first: &self.set, preset, then: &then })
    }
}

fn in_file(path: &Path, error: &dyn std::fmt::Display) -> FedError {
    FedError::Refused(format!("{}: {error}", path.display()))
}

/// A label as part of a folder's name: letters, digits and dots as they are, anything else one `-`.
fn slug(label: &str) -> String {
    let mut out = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    let kept = out.trim_matches(['-', '.']);
    if kept.is_empty() { "row".to_owned() } else { kept.chars().take(80).collect() }
}

#[cfg(test)]
mod tests;
