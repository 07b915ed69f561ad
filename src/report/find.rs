//! Runs below a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fed::folder::CONFIG;

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
