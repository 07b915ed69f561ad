//! `sweep.json` in a sweep's folder: which cells are of which row, and what the rows are.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Cell, Description};
use crate::fed::error::FedError;
use crate::fed::folder::FolderError;
use crate::fed::sealed::{self, Seal};
use crate::files::{self, Limit};

/// The file's name.
pub const INDEX: &str = "sweep.json";

/// None is larger: 100,000 rows of a line each.
const LIMIT: Limit = Limit { bytes: 1 << 28, what: "a sweep's index" };

/// The rows of a sweep. It is written before anything runs, and replaced by the next sweep into the same folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The description's heading.
    pub title: String,
    /// What the sweep is compared with.
    pub paper: String,
    /// Rows, in their order.
    pub rows: Vec<IndexRow>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexRow {
    /// Its label.
    pub label: String,
    /// Its method.
    pub preset: Option<String>,
    /// What it sets: `key.path=value`.
    pub set: Vec<String>,
    /// What the paper has in its place; empty: nothing.
    pub paper: String,
    /// The folders of its cells.
    pub cells: Vec<String>,
}

impl Index {
    /// Of an expanded description and its cells.
    pub fn of(description: &Description, cells: &[Cell]) -> Self {
        let mut rows: Vec<IndexRow> = Vec::new();
        for row in &description.rows {
            let (label, preset) = (row.label.clone(), row.preset.clone());
            let (set, paper) = (row.set.clone(), row.paper.clone());
            rows.push(IndexRow { label, preset, set, paper, cells: Vec::new() });
        }
        for cell in cells {
            if let Some(row) = rows.get_mut(cell.row) {
                row.cells.push(cell.name.clone());
            }
        }
        Self { title: description.title.clone(), paper: description.paper.clone(), rows }
    }

    /// Writes it into a sweep's folder, which is made.
    ///
    /// # Errors
    /// A folder or file that can't be written.
    pub fn write(&self, dir: &Path) -> Result<(), FedError> {
        std::fs::create_dir_all(dir).map_err(files::FileError::of(dir, "make"))?;
        Ok(sealed::write(&dir.join(INDEX), self)?)
    }

    /// Reads that of a folder; none where there is none. Those of earlier versions have no digest.
    ///
    /// # Errors
    /// A file that isn't one, or not what was written.
    pub fn read(dir: &Path) -> Result<Option<Self>, FedError> {
        let path = dir.join(INDEX);
        if !path.is_file() {
            return Ok(None);
        }
        sealed::read_of(&path, LIMIT, Seal::SinceLately).map_err(|e| match e {
            FolderError::Malformed { .. } => FedError::Refused(format!(
                "{e}; the sweep's command, run again, writes this file anew and leaves finished runs alone"
            )),
            e => e.into(),
        })
    }

    /// The row of a cell, by the name of its folder.
    pub fn row(&self, cell: &str) -> Option<&IndexRow> {
        self.rows.iter().find(|row| row.cells.iter().any(|name| name == cell))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn index() -> Index {
        let row = |label: &str, preset: Option<&str>, cells: &[&str]| IndexRow {
            label: label.to_owned(),
            preset: preset.map(str::to_owned),
            set: vec!["zo.lr=0.1".to_owned()],
            paper: "65.5 (5.2)".to_owned(),
            cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
        };
        let rows = vec![row("a", None, &["a-s0", "a-s1"]), row("b", Some("mezo"), &["b-s0"])];
        Index { title: "two".to_owned(), paper: String::new(), rows }
    }

    #[test]
    fn no_changed_byte_puts_a_run_into_another_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(INDEX);
        index().write(dir.path()).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(Index::read(dir.path()).unwrap(), Some(index()));
        let refused = |bytes: &[u8], what: &str| {
            fs::write(&path, bytes).unwrap();
            let message = Index::read(dir.path()).map(|_| panic!("{what} is taken")).unwrap_err().to_string();
            assert!(message.starts_with(path.to_str().unwrap()) && message.contains("run again"), "{message}");
        };
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                refused(&bad, &format!("byte {at}, bit {bit}"));
            }
            refused(&bytes[..at], &format!("a cut at {at}"));
        }
    }

    #[test]
    fn an_index_of_an_earlier_version_has_no_digest() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(INDEX), serde_json::to_vec(&index()).unwrap()).unwrap();
        assert_eq!(Index::read(dir.path()).unwrap(), Some(index()));
        fs::remove_file(dir.path().join(INDEX)).unwrap();
        assert_eq!(Index::read(dir.path()).unwrap(), None);
    }
}
