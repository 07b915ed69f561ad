//! A finished run's folder against the digests in its manifest.

use std::path::Path;

use serde::Serialize;

use super::error::FedError;
use super::folder::{CONFIG, FolderError, MANIFEST, METRICS, Manifest, RunFolder, SUMMARY, read_summary};
use super::metrics::Status;
use super::{origin, settings};
use crate::config::Config;
use crate::files::sha256_file;

/// What `zowarmup check --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The folder.
    pub dir: String,
    /// How the run ended, where its summary can be read.
    pub status: Option<Status>,
    /// A file each.
    pub files: Vec<FileCheck>,
    /// All of them are what the run wrote.
    pub passed: bool,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Its name in the folder.
    pub file: String,
    /// It is what the run wrote.
    pub passed: bool,
    /// SHA-256 of what the run wrote.
    pub expected: String,
    /// SHA-256 of what is there; null where nothing is.
    pub found: Option<String>,
}

/// Compares every file of a finished run with what the run wrote.
///
/// # Errors
/// A folder that is no run's, or of a run that hasn't ended or is older than manifests; a manifest that isn't what was written.
pub fn check(dir: &Path) -> Result<Check, FedError> {
    RunFolder::check_run(dir)?;
    let path = dir.join(MANIFEST);
    let Some(manifest) = Manifest::read(dir)? else {
        let message = "missing: the run was made by an older version, or the file was removed; nothing can be checked";
        return Err(FolderError::Malformed { path, message: message.to_owned() }.into());
    };
    if !manifest.ended() {
        let message = format!("{}: the run hasn't ended; `zowarmup resume` checks what it goes on from", dir.display());
        return Err(FedError::Refused(message));
    }
    let files = files_of(dir, &manifest, |_| true)?;
    let passed = files.iter().all(|file| file.passed);
    let status = read_summary(dir).ok().flatten().map(|summary| summary.status);
    Ok(Check { dir: dir.display().to_string(), status, files, passed })
}

/// Refuses a finished run whose files aren't what it wrote, naming the first.
pub(super) fn assert_whole(dir: &Path, manifest: &Manifest) -> Result<(), FedError> {
    assert_are(dir, manifest, |_| true)
}

/// Refuses a finished run whose figures aren't what it wrote, naming the first file of them; weights aren't read.
pub(super) fn assert_figures(dir: &Path, manifest: &Manifest) -> Result<(), FedError> {
    assert_are(dir, manifest, |file| [CONFIG, METRICS, SUMMARY].contains(&file))
}

fn assert_are(dir: &Path, manifest: &Manifest, wanted: impl Fn(&str) -> bool) -> Result<(), FedError> {
    match files_of(dir, manifest, wanted)?.into_iter().find(|file| !file.passed) {
        None => Ok(()),
        Some(FileCheck { file, expected, found: Some(found), .. }) => {
            Err(FolderError::digest(dir.join(file), &expected, &found).into())
        }
        Some(FileCheck { file, .. }) => {
            let message = "missing, though the run has ended".to_owned();
            Err(FolderError::Malformed { path: dir.join(file), message }.into())
        }
    }
}

fn files_of(dir: &Path, manifest: &Manifest, wanted: impl Fn(&str) -> bool) -> Result<Vec<FileCheck>, FolderError> {
    let mut list = Vec::new();
    for (file, expected) in manifest.files.iter().filter(|(file, _)| wanted(file)) {
        let path = dir.join(file);
        let found = match sha256_file(&path) {
            Ok(digest) => Some(digest),
            Err(e) if e.source.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e.into()),
        };
        let same = found.as_ref() == Some(expected);
        let passed = same || (file == CONFIG && found.is_some() && means_the_same(dir, manifest));
        list.push(FileCheck { file: file.clone(), passed, expected: expected.clone(), found });
    }
    if !manifest.files.contains_key(SUMMARY) {
        // A manifest of this version always names it.
        let message = format!("files: expected {SUMMARY} among them");
        return Err(FolderError::Malformed { path: dir.join(MANIFEST), message });
    }
    Ok(list)
}

/// Paths and devices in a config may be changed by hand.
fn means_the_same(dir: &Path, manifest: &Manifest) -> bool {
    let (began, now) = (origin::began(dir, manifest), Config::load(Some(&dir.join(CONFIG)), &[]));
    began.is_ok_and(|began| now.is_ok_and(|now| settings::changes(&began, &now).is_empty()))
}
