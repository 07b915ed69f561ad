//! A sweep as a TOML file: a base config, rows of settings, seeds.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Cell;
use crate::config::{Config, Layers, Preset};
use crate::fed::error::FedError;
use crate::files::{self, Limit};

/// No description is larger: it is a page or two of text.
const LIMIT: Limit = Limit { bytes: 1 << 20, what: "a sweep" };

/// What a file describes: each row is run once with each seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// A heading.
    #[serde(default)]
    pub title: String,
    /// What it is compared with, in words: printed beside the results.
    #[serde(default)]
    pub paper: String,
    /// The config that every cell starts from, relative to the description's folder; none: the embedded digits experiment.
    pub base: Option<PathBuf>,
    /// `key.path=value` of every cell, below the rows' presets.
    #[serde(default)]
    pub set: Vec<String>,
    /// Seeds: each is a cell's `seed`.
    #[serde(default = "one_seed")]
    pub seeds: Vec<u64>,
    /// The rows.
    #[serde(default, rename = "row")]
    pub rows: Vec<Row>,
}

/// A row: one setting of the sweep.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, unlike any other's; names its folders.
    pub label: String,
    /// A method by name.
    pub preset: Option<String>,
    /// `key.path=value`, over everything else but the seed.
    #[serde(default)]
    pub set: Vec<String>,
    /// What the paper has in its place: printed beside the result.
    #[serde(default)]
    pub paper: String,
}

fn one_seed() -> Vec<u64> {
    vec![0]
}

impl Description {
    /// Reads a description, and the config of each of its cells, row after row.
    ///
    /// # Errors
    /// A file that isn't a description; a row whose config isn't one; labels or seeds that aren't each other's only ones.
    pub fn load(path: &Path) -> Result<(Self, Vec<Cell>), FedError> {
        let bytes = files::read(path, LIMIT)?;
        let refuse = |message: String| FedError::Refused(format!("{}: {message}", path.display()));
        let text = String::from_utf8(bytes).map_err(|e| refuse(e.to_string()))?;
        let mut description: Self = toml::from_str(&text).map_err(|e| refuse(e.to_string().trim_end().to_owned()))?;
        description.base = description.base.map(|base| files::folder_of(path).join(base));
        let cells = description.cells().map_err(|e| refuse(e.to_string()))?;
        Ok((description, cells))
    }

    /// The cells, row after row.
    ///
    /// # Errors
    /// As [`Description::load`].
    pub fn cells(&self) -> Result<Vec<Cell>, FedError> {
        let refuse = |message: &str| Err(FedError::Refused(message.to_owned()));
        if self.rows.is_empty() || self.seeds.is_empty() {
            return refuse("expected at least one [[row]] and one of seeds");
        }
        let mut cells: Vec<Cell> = Vec::new();
        for (row, of) in self.rows.iter().enumerate() {
            for &seed in &self.seeds {
                let name = format!("{}-s{seed}", slug(&of.label));
                if cells.iter().any(|cell| cell.name == name) {
                    return refuse(&format!(
                        "row {:?}, seed {seed}: its folder {name} is another cell's, too",
                        of.label
                    ));
                }
                let config =
                    self.config(of, seed).map_err(|e| FedError::Refused(format!("row {:?}: {e}", of.label)))?;
                cells.push(Cell { name, row, seed, config });
            }
        }
        Ok(cells)
    }

    fn config(&self, row: &Row, seed: u64) -> Result<Config, FedError> {
        let preset = row.preset.as_deref().map(Preset::named).transpose()?;
        let mut then = row.set.clone();
        then.push(format!("seed=\"0x{seed:x}\""));
        Ok(Config::load_layers(self.base.as_deref(), &Layers { first: &self.set, preset, then: &then })?)
    }
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
mod tests {
    use super::*;

    fn load(text: &str) -> Result<(Description, Vec<Cell>), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(
            dir.path().join("base.toml"),
            "name = \"base\"\n[data]\nname = \"digits\"\n[model]\nkind = \"mlp\"\n",
        )
        .unwrap();
        Description::load(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn cells_are_rows_times_seeds_with_names_of_their_own() {
        let (description, cells) = load(
            "title = \"A\"\nbase = \"base.toml\"\nset = [\"zo.rounds=20\", \"warmup.rounds=4\"]\nseeds = [0, 12]\n\
             [[row]]\nlabel = \"tau 0.5, S = 3\"\nset = [\"zo.tau=0.5\"]\npaper = \"48.3\"\n\
             [[row]]\nlabel = \"High Res Only\"\npreset = \"high-res-only\"\n",
        )
        .unwrap();
        let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names, ["tau-0.5-s-3-s0", "tau-0.5-s-3-s12", "high-res-only-s0", "high-res-only-s12"]);
        assert_eq!((cells[1].seed, cells[1].config.seed, cells[1].config.zo.tau), (12, 12, 0.5));
        assert_eq!(
            (cells[3].config.warmup.rounds, cells[3].config.zo.rounds),
            (24, 0),
            "the preset is over what all share"
        );
        assert_eq!((cells[0].config.name.as_str(), description.rows[0].paper.as_str()), ("base", "48.3"));
    }

    #[test]
    fn the_tables_of_the_project_load() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/tables");
        let entries = [folder.clone(), folder.join("fashion")].map(|folder| std::fs::read_dir(folder).unwrap());
        let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        let mut count = 0;
        for path in paths {
            let (description, cells) = Description::load(&path).unwrap();
            assert_eq!(cells.len(), description.rows.len() * description.seeds.len());
            count += 1;
        }
        assert!(count >= 17);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let row = |text: &str| load(&format!("[[row]]\nlabel = \"a\"\n{text}")).unwrap_err();
        assert!(row("sets = []").contains("sets"));
        assert!(row("set = [\"zo.tau=-1\"]").contains("row \"a\": --set: zo.tau = -1"));
        assert!(row("preset = \"x\"").contains("unknown preset `x`"));
        assert!(row("[[row]]\nlabel = \"A!\"").contains("folder a-s0 is another cell's"));
        assert!(load("seeds = [1]").unwrap_err().contains("[[row]]"));
        assert!(load("base = \"nowhere.toml\"\n[[row]]\nlabel = \"a\"").unwrap_err().contains("nowhere.toml"));
        assert!(load("title = ").unwrap_err().contains("line 1"));
    }
}
