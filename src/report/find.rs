//! Runs below a folder, and what their sweep says of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::fed::folder::CONFIG;
use crate::fed::sweep::{Index, IndexRow};
use crate::files::folder_of;

/// The indices of the sweeps that runs belong to, by the sweeps' folders.
#[derive(Debug, Default)]
pub struct Indices(BTreeMap<PathBuf, Option<Index>>);

impl Indices {
    /// Reads that of a run's sweep, unless it was before. A run outside of a sweep has none.
    ///
    /// # Errors
    /// An index that can't be read, once.
    pub fn look(&mut self, run: &Path) -> Result<(), String> {
        let folder = folder_of(run);
        if self.0.contains_key(folder) {
            return Ok(());
        }
        let read = Index::read(folder);
        let found = read.as_ref().ok().cloned().flatten();
        self.0.insert(folder.to_owned(), found);
        read.map(drop).map_err(|e| e.to_string())
    }

    /// The row of a run.
    pub fn row(&self, run: &Path) -> Option<&IndexRow> {
        self.0.get(folder_of(run))?.as_ref()?.row(run.file_name()?.to_str()?)
    }
}

/// The folder itself, where it is a run's; else the runs' folders in it, by name. Shared warm-ups of a sweep lie deeper: they are no cells.
///
/// # Errors
/// A folder that can't be listed, or that is no run's and holds none.
pub fn runs(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.join(CONFIG).is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |e: std::io::Error| format!("{}: cannot list the folder: {e}", path.display());
    let entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut found: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(|dir| dir.join(CONFIG).is_file()).collect();
    found.sort();
    match found.is_empty() {
        true => Err(format!("{}: expected the folder of a run, or one that holds runs' folders", path.display())),
        false => Ok(found),
    }
}
