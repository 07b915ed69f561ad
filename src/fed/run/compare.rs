//! What lies in a run's folder, compared with what the run began with. Nothing is written, and no lock is needed.

use std::path::Path;

use super::super::error::FedError;
use super::super::experiment::Experiment;
use super::super::folder::manifest::NUMERICS;
use super::super::folder::{self, CONFIG, FolderError, INIT, MANIFEST, Manifest, SPLIT};
use super::super::origin;
use super::super::settings::changes;
use super::loaded::initial_bytes;
use crate::config::Config;
use crate::files::sha256_hex;
use crate::split::Split;

/// A run's settings.
pub(super) struct AtHand {
    /// As the run began.
    pub began: Config,
    /// As `config.toml` has them.
    pub file: Config,
    /// With what `--set` changes.
    pub now: Config,
    /// A kill came between the manifest and `config.toml` while those were extended: the manifest counts.
    pub unfinished: bool,
}

impl AtHand {
    /// Reads the settings in a folder and applies `sets` (`key.path=value`).
    ///
    /// # Errors
    /// A file that isn't what the run began with; a setting that can't be.
    pub fn read(dir: &Path, manifest: &Manifest, sets: &[String]) -> Result<Self, FedError> {
        let path = dir.join(CONFIG);
        let (began, file) = (origin::began(dir, manifest)?, Config::load(Some(&path), &[])?);
        let mut unfinished = false;
        if let Some(change) = changes(&began, &file).into_iter().next() {
            let earlier = manifest.earlier_config.as_deref();
            let earlier = earlier.map(|text| Config::parse(text, "manifest.json", dir, &[])).transpose()?;
            unfinished = earlier.is_some_and(|earlier| changes(&earlier, &file).is_empty());
            if !unfinished {
                let (what, expected, found) = (change.key, change.began, change.now);
                return Err(FolderError::Differs { path, what, expected, found }.into());
            }
        }
        let now = if unfinished {
            Config::parse(&manifest.config, &path.display().to_string(), dir, sets)?
        } else {
            Config::load(Some(&path), sets)?
        };
        Ok(Self { began, file, now, unfinished })
    }
}

/// Everything a run needs to go on, compared with what it began with: version, samples, split and first weights.
///
/// # Errors
/// [`FolderError::Differs`] for the first that isn't the same; whatever can't be read.
pub(super) fn experiment(dir: &Path, manifest: &Manifest, config: &Config) -> Result<Experiment, FedError> {
    if manifest.numerics != NUMERICS {
        let what = format!("numerics (the run was begun by {})", manifest.program);
        let (expected, found) = (format!("{NUMERICS}, as this version computes"), manifest.numerics.to_string());
        return Err(FolderError::Differs { path: dir.join(MANIFEST), what, expected, found }.into());
    }
    let mut config = config.clone();
    if let Some(bytes) = folder::read_in(dir, INIT)? {
        let found = sha256_hex(&bytes);
        if found != manifest.init_sha256 {
            return Err(FolderError::digest(dir.join(INIT), &manifest.init_sha256, &found).into());
        }
        // What the run started from, whatever has become of a file that `model.weights` names.
        config.model.weights = Some(dir.join(INIT));
    }
    let experiment = Experiment::prepare(&config)?;
    origin::check_data(dir, &config, &experiment.data, manifest)?;
    check_split(dir, &experiment, manifest)?;
    let initial = sha256_hex(&initial_bytes(&experiment));
    if initial != manifest.init_sha256 {
        return Err(FolderError::digest(dir.join(INIT), &manifest.init_sha256, &initial).into());
    }
    Ok(experiment)
}

fn check_split(dir: &Path, experiment: &Experiment, manifest: &Manifest) -> Result<(), FedError> {
    let dealt = experiment.split.sha256();
    let differs = |what: &str, expected: &str, found: &str| FolderError::Differs {
        path: dir.join(SPLIT),
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    if dealt != manifest.split_sha256 {
        return Err(differs("the partition that its config deals, SHA-256", &manifest.split_sha256, &dealt).into());
    }
    if dir.join(SPLIT).exists() {
        let read = Split::read(&dir.join(SPLIT))?;
        if read != experiment.split {
            let (expected, found) = (format!("SHA-256 {dealt}"), format!("SHA-256 {}", read.sha256()));
            return Err(differs("the partition and its histograms", &expected, &found).into());
        }
    }
    Ok(())
}
