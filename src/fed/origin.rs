//! Files that lie in a run's folder are compared with what its manifest says, by whoever reads them for another purpose than going on.
//! Files that lie elsewhere, and folders without a manifest, are taken as they are.

use std::path::Path;

use super::error::FedError;
use super::folder::manifest::{DataDigests, NormalisationRecord};
use super::folder::{CONFIG, FolderError, INIT, Manifest, PIVOT, SPLIT};
use super::settings;
use crate::config::Config;
use crate::data::Dataset;
use crate::files::{folder_of, sha256_file};
use crate::ledger::Header;
use crate::split::Split;

/// The weights of a run that has ended, or its first weights and its pivot, must be those that the run wrote.
///
/// # Errors
/// [`FolderError::Differs`]; a file that can't be read.
pub fn check_weights(path: &Path) -> Result<(), FedError> {
    let Some(manifest) = Manifest::read(folder_of(path))? else { return Ok(()) };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let expected = match (manifest.files.get(name), name, &manifest.pivot) {
        (Some(digest), ..) => digest,
        (None, INIT, _) => &manifest.init_sha256,
        (None, PIVOT, Some(pivot)) => &pivot.sha256,
        _ => return Ok(()),
    };
    let found = sha256_file(path)?;
    if found != *expected {
        return Err(FolderError::digest(path.to_owned(), expected, &found).into());
    }
    Ok(())
}

/// The partition in a run's folder must be the run's.
///
/// # Errors
/// [`FolderError::Differs`]; a manifest that can't be read.
pub fn check_split(path: &Path, split: &Split) -> Result<(), FedError> {
    if path.file_name().is_none_or(|name| name != SPLIT) {
        return Ok(());
    }
    let Some(manifest) = Manifest::read(folder_of(path))? else { return Ok(()) };
    let found = split.sha256();
    if found != manifest.split_sha256 {
        return Err(FolderError::digest(path.to_owned(), &manifest.split_sha256, &found).into());
    }
    Ok(())
}

/// The config in a run's folder must be the run's, and its data those that the run saw.
///
/// # Errors
/// [`FolderError::Differs`]; a manifest that can't be read.
pub fn check_config(path: &Path, config: &Config, data: &Dataset) -> Result<(), FedError> {
    let folder = folder_of(path);
    if path.file_name().is_none_or(|name| name != CONFIG) {
        return Ok(());
    }
    let Some(manifest) = Manifest::read(folder)? else { return Ok(()) };
    let began = began(folder, &manifest)?;
    if let Some(change) = settings::changes(&began, config).into_iter().next() {
        let (what, expected, found) = (change.key, change.began, change.now);
        return Err(FolderError::Differs { path: path.to_owned(), what, expected, found }.into());
    }
    check_data(folder, config, data, &manifest)?;
    Ok(())
}

/// The config that a run began with.
pub(super) fn began(folder: &Path, manifest: &Manifest) -> Result<Config, FedError> {
    let name = folder.join(super::folder::MANIFEST).display().to_string();
    Ok(Config::parse(&manifest.config, &format!("{name}: config"), folder, &[])?)
}

/// The samples and their normalisation must be those that the run saw.
pub(super) fn check_data(
    folder: &Path,
    config: &Config,
    data: &Dataset,
    manifest: &Manifest,
) -> Result<(), FolderError> {
    let path = config.data.path.clone().unwrap_or_else(|| folder.join(CONFIG));
    let differs = |what: &str, expected: String, found: String| {
        Err(FolderError::Differs { path: path.clone(), what: what.to_owned(), expected, found })
    };
    let (expected, found) = (&manifest.data, DataDigests::of(data)?);
    let of = |digest: &str| format!("SHA-256 {digest}, as the run saw");
    if found.train_sha256 != expected.train_sha256 {
        return differs("training samples", of(&expected.train_sha256), format!("SHA-256 {}", found.train_sha256));
    }
    if found.test_sha256 != expected.test_sha256 {
        return differs("test samples", of(&expected.test_sha256), format!("SHA-256 {}", found.test_sha256));
    }
    let (expected, found) = (&manifest.normalisation, NormalisationRecord::of(&data.normalisation, None));
    let same = (found.divisor, &found.mean, &found.std) == (expected.divisor, &expected.mean, &expected.std);
    if !same {
        return differs("normalisation", expected.text(), found.text());
    }
    Ok(())
}

/// A ledger in a run's folder must start from the run's pivot.
///
/// # Errors
/// [`FolderError::Differs`]; a manifest that can't be read.
pub(super) fn check_base(ledger: &Path, header: &Header) -> Result<(), FedError> {
    let Some(manifest) = Manifest::read(folder_of(ledger))? else { return Ok(()) };
    match manifest.pivot {
        Some(pivot) if !pivot.sha256.eq_ignore_ascii_case(&header.base_sha256) => Err(FolderError::Differs {
            path: ledger.to_owned(),
            what: "line 1: base_sha256".to_owned(),
            expected: pivot.sha256,
            found: header.base_sha256.clone(),
        }
        .into()),
        _ => Ok(()),
    }
}
