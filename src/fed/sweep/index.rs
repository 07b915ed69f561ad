//! `sweep.json` in a sweep's folder: which cells are of which row, and what the rows are.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Cell, Description};
use crate::fed::error::FedError;
use crate::files::{self, Limit, write_whole};

/// The file's name.
pub const INDEX: &str = "sweep.json";

/// None is larger: 100,000 rows of a line each.
const LIMIT: Limit = Limit { bytes: 1 << 28, what: "a sweep's index" };

/// The rows of a sweep. It is written before anything runs, and replaced by the next sweep into the same folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        Ok(write_whole(&dir.join(INDEX), &text)?)
    }

    /// Reads that of a folder; none where there is none.
    ///
    /// # Errors
    /// A file that isn't one.
    pub fn read(dir: &Path) -> Result<Option<Self>, FedError> {
        let path = dir.join(INDEX);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = files::read(&path, LIMIT)?;
        let index = serde_json::from_slice(&bytes);
        index.map(Some).map_err(|e| FedError::Refused(format!("{}: {e}", path.display())))
    }

    /// The row of a cell, by the name of its folder.
    pub fn row(&self, cell: &str) -> Option<&IndexRow> {
        self.rows.iter().find(|row| row.cells.iter().any(|name| name == cell))
    }
}
