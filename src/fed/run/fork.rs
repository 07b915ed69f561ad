//! A run from another one's pivot: its warm-up is copied, not repeated.
//!
//! The new folder is made to look as after the last warm-up round of a run with the new config, and goes on from there: the pivot, its
//! evaluation and everything after it are those of a run from the start.

use std::path::{Path, PathBuf};

use super::super::error::FedError;
use super::super::experiment::Experiment;
use super::super::folder::checkpoint::Checkpoint;
use super::super::folder::manifest::{AdapterRecord, DataDigests, ForkRecord, Ingredients, NormalisationRecord};
use super::super::folder::rounds_log::RoundsLog;
use super::super::folder::{
    self, CONFIG, FolderError, INIT, Lines, METRICS, Manifest, PIVOT, ROUNDS, RunFolder, SPLIT, good, parse_metrics,
    read_in,
};
use super::super::host::Host;
use super::super::metrics::Summary;
use super::super::observer::Observer;
use super::super::progress::Progress;
use super::super::settings::{Change, changes, is_after_the_pivot, settled};
use super::super::zo::ZoPhase;
use super::super::{check, disk};
use super::compare::{self, AtHand};
use super::loaded::{Loaded, initial_bytes, load};
use super::running::Run;
use super::ways;
use crate::config::{Config, NormStatistics};
use crate::device::Selection;
use crate::files::{FileError, sha256_hex};

/// Starts a run from the pivot of the one in `origin`, finished or not, with `sets` (`key.path=value`: keys of zo, eval and device, and
/// the name) over its config.
///
/// # Errors
/// A run without a pivot, or whose files aren't what it wrote; a setting of what comes before the pivot; as [`super::start`].
pub fn fork(
    origin: &Path,
    sets: &[String],
    out: Option<&Path>,
    device: Option<&str>,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    let origin = Origin::read(origin)?;
    let config = origin.config_with(sets)?;
    fork_on(&origin, &config, out, device, &mut Host::default(), observer)
}

/// What of a run another one can begin from, checked.
pub struct Origin {
    dir: PathBuf,
    manifest: Manifest,
    config: Config,
    /// The warm-up's lines of metrics.
    lines: Vec<u8>,
    /// The bytes of its pivot.
    pivot: Vec<u8>,
}

impl Origin {
    /// Reads it from a run's folder, in which another process may be at work.
    ///
    /// # Errors
    /// A run without a pivot, or whose files aren't what it wrote.
    pub fn read(dir: &Path) -> Result<Self, FedError> {
        RunFolder::check_run(dir)?;
        let Some(manifest) = Manifest::read(dir)? else {
            let message = "missing: what the run began with can't be checked, and so no other can begin at its pivot";
            let path = dir.join(folder::MANIFEST);
            return Err(FolderError::Malformed { path, message: message.to_owned() }.into());
        };
        let config = AtHand::read(dir, &manifest, &[])?.now;
        let Some(record) = &manifest.pivot else {
            let (dir, rounds) = (dir.display(), config.warmup.rounds);
            let why = match manifest.ended() {
                true => "it diverged in its warm-up".to_owned(),
                false => format!("its warm-up of {rounds} rounds isn't over; `zowarmup resume` goes on with it"),
            };
            return Err(FedError::Refused(format!("{dir}: the run has no pivot to begin from: {why}")));
        };
        if manifest.ended() {
            check::assert_whole(dir, &manifest)?;
        }
        let path = dir.join(PIVOT);
        let pivot = must_read(dir, PIVOT)?;
        let found = sha256_hex(&pivot);
        if found != record.sha256 {
            return Err(FolderError::digest(path, &record.sha256, &found).into());
        }
        let lines = warmup_lines(dir, config.warmup.rounds as usize, manifest.ended())?;
        Ok(Self { dir: dir.to_owned(), manifest, config, lines, pivot })
    }

    /// Its config with these settings.
    ///
    /// # Errors
    /// A setting of what comes before the pivot; one that can't be.
    pub fn config_with(&self, sets: &[String]) -> Result<Config, FedError> {
        if let Some(set) = sets.iter().find(|set| !is_after_the_pivot(set.split('=').next().unwrap_or_default().trim()))
        {
            return Err(self.refusal(format!("--set {set}")));
        }
        Ok(AtHand::read(&self.dir, &self.manifest, sets)?.now)
    }

    fn refusal(&self, what: String) -> FedError {
        let dir = self.dir.display();
        FedError::Refused(format!(
            "{what}: a fork begins at the pivot of {dir}, and what led there stays as it was: only keys of [zo], [eval] and [device] and the name may change (`zowarmup run` with its config.toml and --set begins a run from the start)"
        ))
    }

    /// What goes into the manifest of a run that begins here.
    fn record(&self) -> ForkRecord {
        let name =
            std::path::absolute(&self.dir).ok().and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
        ForkRecord {
            folder: name.unwrap_or_else(|| self.dir.display().to_string()),
            config_sha256: sha256_hex(self.manifest.config.as_bytes()),
            pivot_sha256: sha256_hex(&self.pivot),
        }
    }

    /// Refuses a config that another warm-up than this run's would belong to, or another pivot.
    fn check(&self, experiment: &Experiment) -> Result<(), FedError> {
        let config = &experiment.config;
        if let Some(change) = changes(&self.config, config).into_iter().find(|change| !is_after_the_pivot(&change.key))
        {
            let Change { key, began, now } = change;
            return Err(self.refusal(format!("{key} = {now} in place of {began}")));
        }
        let recomputed = |config: &Config| config.zo.norm_statistics == NormStatistics::Recomputed;
        if experiment.graph.has_batch_norm() && recomputed(&self.config) && !recomputed(config) {
            let (now, dir) = (config.zo.norm_statistics, self.dir.display());
            return Err(FedError::Refused(format!(
                "zo.norm_statistics = \"{now}\": expected \"recomputed\": the pivot of {dir} has the statistics of all clients in place of the warm-up's"
            )));
        }
        Ok(())
    }
}

fn must_read(dir: &Path, name: &str) -> Result<Vec<u8>, FolderError> {
    let missing = || FileError::of(&dir.join(name), "read")(std::io::ErrorKind::NotFound.into());
    read_in(dir, name)?.ok_or_else(|| missing().into())
}

/// The lines of `metrics.jsonl` of the first `rounds` rounds. Of a run that has ended the file was compared as a whole, of another each
/// line is with its digest.
fn warmup_lines(dir: &Path, rounds: usize, ended: bool) -> Result<Vec<u8>, FedError> {
    let (path, bytes) = (dir.join(METRICS), must_read(dir, METRICS)?);
    let lines = Lines::of(&bytes);
    let kept = lines.complete.get(..rounds).unwrap_or(&lines.complete);
    let whole = if ended {
        kept.len()
    } else {
        let (log, _) = RoundsLog::parse(dir.join(ROUNDS), &must_read(dir, ROUNDS)?)?;
        good(&path, kept, 1, log.rounds().iter().map(|round| round.metrics.as_str()))?
    };
    if whole < rounds {
        let message = format!("expected the lines of {rounds} warm-up rounds as they were written, found {whole}");
        return Err(FolderError::Malformed { path, message }.into());
    }
    Ok(kept.concat())
}

/// As [`fork`], with a complete config, on a device that other runs may have used before and may use after it.
pub(in crate::fed) fn fork_on(
    origin: &Origin,
    config: &Config,
    out: Option<&Path>,
    device: Option<&str>,
    host: &mut Host,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    let mut experiment = compare::experiment(&origin.dir, &origin.manifest, config)?;
    // The first weights come from the other run's folder, but the config goes on naming where they came from.
    let from = std::mem::replace(&mut experiment.config.model.weights, config.model.weights.clone());
    experiment.config = settled(&experiment.config, &experiment.data.normalisation);
    origin.check(&experiment)?;
    let text = experiment.config.to_toml();
    experiment.config.model.weights = from;
    let selection = Selection::of_config(device, &config.device)?;
    let mut space = host.take(&selection)?;
    // As the other run's, so that the bits are those of one run.
    let theirs = ways::of_run(&origin.dir, &origin.manifest, &experiment.graph)?;
    ways::set(&mut space, &experiment.graph, theirs, observer);
    let Loaded { engine, train, test, validation, warmup } = load(&experiment, space)?;
    let out = out.map_or_else(|| folder::default_path(config), Path::to_path_buf);
    disk::check_room(&out, &disk::needed(&experiment, 0))?;
    let folder = RunFolder::create(&out)?;
    let (first, own) = (experiment.config.warmup.rounds, ways::encode(engine.ways())?);
    let guessed = origin.manifest.normalisation.guessed.clone();
    let mut manifest = Manifest::new(Ingredients {
        config: text,
        data: DataDigests::of(&experiment.data)?,
        normalisation: NormalisationRecord::of(&experiment.data.normalisation, guessed),
        split_sha256: experiment.split.sha256(),
        init_sha256: sha256_hex(&initial_bytes(&experiment)),
        ways_sha256: ways::digest(&own),
        adapter: AdapterRecord::of(engine.device().info(), 0),
    });
    if first > 0 {
        let theirs = origin.manifest.adapters.iter().filter(|adapter| adapter.from_round < first);
        manifest.adapters = theirs.cloned().collect();
    }
    manifest.fork = Some(origin.record());
    ways::write(&folder, &own)?;
    let log = copy(origin, &folder, &experiment, &manifest)?;
    let (zo, progress) = (ZoPhase::new(&experiment), Progress::of(&experiment));
    observer.note(&format!("from the pivot of {}", origin.dir.display()));
    let mut run =
        Run { experiment, folder, manifest, log, engine, train, test, validation, progress, warmup, zo, observer };
    run.recover()?;
    run.note_adapter()?;
    let summary = run.proceed()?;
    run.leave(selection, host);
    Ok(summary)
}

/// Writes what a run has after its warm-up. The config comes last: until then a kill leaves a folder that is free.
fn copy(
    origin: &Origin,
    folder: &RunFolder,
    experiment: &Experiment,
    manifest: &Manifest,
) -> Result<RoundsLog, FedError> {
    manifest.write(folder.dir())?;
    folder.write(INIT, &initial_bytes(experiment))?;
    folder.write(SPLIT, experiment.split.to_json().as_bytes())?;
    folder.write(METRICS, &origin.lines)?;
    let mut log = RoundsLog::create(folder)?;
    let lines = Lines::of(&origin.lines);
    lines.complete.iter().try_for_each(|line| log.append(line, None))?;
    if let Some(last) = parse_metrics(&folder.path(METRICS), &lines.complete)?.last() {
        Checkpoint::save(folder, last, &origin.pivot, None)?;
    }
    folder.write(CONFIG, manifest.config.as_bytes())?;
    Ok(log)
}
