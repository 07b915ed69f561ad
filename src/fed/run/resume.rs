//! Going on with a run: everything that its bits follow from is compared with what it began with.

use std::path::Path;

use super::super::check;
use super::super::error::FedError;
use super::super::folder::manifest::AdapterRecord;
use super::super::folder::rounds_log::{self, RoundsLog};
use super::super::folder::{
    CONFIG, FolderError, LEDGER, Lines, MANIFEST, METRICS, Manifest, RunFolder, SUMMARY, read_summary,
};
use super::super::host::Host;
use super::super::metrics::{Status, Summary};
use super::super::observer::Observer;
use super::super::origin;
use super::super::progress::Progress;
use super::super::settings::{Change, changes};
use super::super::zo::ZoPhase;
use super::compare::{self, AtHand};
use super::loaded::{Loaded, first_files, load};
use super::running::Run;
use super::ways;
use crate::config::Config;
use crate::device::Selection;

/// Goes on with an interrupted run, from its last whole round. A finished run gives its summary, and needs no right to write for that;
/// `sets` (`key.path=value`) may extend either: more rounds than are done, other paths, another memory budget.
///
/// # Errors
/// A file, a setting, samples or a version that isn't what the run began with, by name; whatever a run can end with.
pub fn resume(
    dir: &Path,
    device: Option<&str>,
    sets: &[String],
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    resume_on(dir, device, sets, &mut Host::default(), observer)
}

/// As [`resume`], on a device that other runs may have used before and may use after it.
pub(in crate::fed) fn resume_on(
    dir: &Path,
    device: Option<&str>,
    sets: &[String],
    host: &mut Host,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    RunFolder::check_run(dir)?;
    let Some(manifest) = Manifest::read(dir)? else { return without_manifest(dir, observer) };
    let ended = manifest.ended() && dir.join(SUMMARY).exists();
    if ended {
        check::assert_whole(dir, &manifest)?;
        let summary = read_summary(dir)?;
        let extension = changes(&origin::began(dir, &manifest)?, &Config::load(Some(&dir.join(CONFIG)), sets)?);
        match summary {
            Some(summary) if extension.is_empty() => return Ok(summary),
            Some(summary) if summary.status == Status::Diverged => {
                let message = format!("{}: the run has diverged, and can't be extended", dir.display());
                return Err(FedError::Refused(message));
            }
            _ => {}
        }
    }
    let folder = RunFolder::open(dir)?;
    // Again, now that nobody else can write it.
    let Some(manifest) = Manifest::read(dir)? else { return without_manifest(dir, observer) };
    let settings = Settings::read(dir, &manifest, sets)?;
    let (mut run, selection) = prepare(folder, manifest, &settings.now, device, host, observer)?;
    if ended {
        run.reopen()?;
    }
    run.recover()?;
    run.extend(&settings)?;
    run.note_adapter()?;
    let summary = run.proceed()?;
    run.leave(selection, host);
    Ok(summary)
}

/// A folder of the versions before manifests, or one whose manifest is gone.
fn without_manifest(dir: &Path, observer: &mut dyn Observer) -> Result<Summary, FedError> {
    let path = dir.join(MANIFEST);
    match read_summary(dir)?.filter(|summary| summary.status != Status::Interrupted) {
        Some(summary) => {
            let path = path.display();
            observer.warn(&format!("warning: {path} is missing: the summary and the files beside it can't be checked"));
            Ok(summary)
        }
        None => {
            let message = "missing: what the run began with can't be checked, and so it can't go on (it was begun by an older version, or the file was removed); `zowarmup run` with its config.toml begins it anew";
            Err(FolderError::Malformed { path, message: message.to_owned() }.into())
        }
    }
}

/// A run's settings, as it began and as they are to be.
struct Settings {
    now: Config,
    /// What `--set` changes.
    extension: Vec<Change>,
    /// `config.toml` is to be written: it has changed, or a kill came before it was.
    write: bool,
}

impl Settings {
    fn read(dir: &Path, manifest: &Manifest, sets: &[String]) -> Result<Self, FedError> {
        let path = dir.join(CONFIG);
        let AtHand { began, file, now, unfinished } = AtHand::read(dir, manifest, sets)?;
        let extension = changes(&began, &now);
        let over = dir.join(LEDGER).exists() || manifest.fork.is_some();
        if let Some(change) = extension.iter().find(|c| c.key == "warmup.rounds" && over) {
            let Change { key, began, now } = change;
            return Err(FedError::Refused(format!("--set {key}={now}: expected {began}: the warm-up is over")));
        }
        if let Some(change) = extension.iter().find(|c| !["zo.rounds", "warmup.rounds"].contains(&c.key.as_str())) {
            let Change { key, began, now } = change;
            return Err(FedError::Refused(format!(
                "--set {key}={now}: expected {began}, as {} began with; only zo.rounds, warmup.rounds, paths and device settings may change (`zowarmup run` with {} and --set begins another run)",
                dir.display(),
                path.display()
            )));
        }
        let write = unfinished || !sets.is_empty() && now != file;
        Ok(Self { now, extension, write })
    }
}

/// Everything a run needs to go on, compared with what it began with.
fn prepare<'a>(
    folder: RunFolder,
    manifest: Manifest,
    config: &Config,
    device: Option<&str>,
    host: &mut Host,
    observer: &'a mut dyn Observer,
) -> Result<(Run<'a>, Selection), FedError> {
    let experiment = compare::experiment(folder.dir(), &manifest, config)?;
    let selection = Selection::of_config(device, &config.device)?;
    let mut space = host.take(&selection)?;
    let had = ways::of_run(folder.dir(), &manifest, &experiment.graph)?;
    ways::set(&mut space, &experiment.graph, had, observer);
    let Loaded { engine, train, test, validation, warmup } = load(&experiment, space)?;
    first_files(&folder, &experiment)?;
    let (log, _) = RoundsLog::read(&folder)?;
    let (zo, progress) = (ZoPhase::new(&experiment), Progress::of(&experiment));
    Ok((
        Run { experiment, folder, manifest, log, engine, train, test, validation, progress, warmup, zo, observer },
        selection,
    ))
}

impl Run<'_> {
    /// Makes a finished run one that goes on: its files have been checked, their digests go back to its rounds.
    fn reopen(&mut self) -> Result<(), FedError> {
        let (metrics, ledger) = (self.folder.read(METRICS)?, self.folder.read(LEDGER)?);
        let (metrics, ledger) = (metrics.unwrap_or_default(), ledger.unwrap_or_default());
        let warmup = self.experiment.config.warmup.rounds as usize;
        self.log = rounds_log::rebuild(&self.folder, &Lines::of(&metrics), &Lines::of(&ledger), warmup)?;
        Ok(())
    }

    /// Takes over what `--set` changes, now that the rounds done are known.
    fn extend(&mut self, settings: &Settings) -> Result<(), FedError> {
        let (warmup, done) = (settings.now.warmup.rounds, self.progress.next);
        let refuse = |change: &Change, expected: String| {
            let message = format!("--set {}={}: expected {expected}", change.key, change.now);
            Err(FedError::Refused(message))
        };
        for change in &settings.extension {
            if change.key == "warmup.rounds" {
                if warmup <= done {
                    return refuse(change, format!("more than the {done} rounds that are done"));
                }
            } else if warmup.saturating_add(settings.now.zo.rounds) <= done && done > 0 {
                return refuse(change, format!("more than the {} rounds that are done", done - warmup.min(done)));
            }
        }
        self.manifest.files.clear();
        if settings.write {
            // The manifest first, with both: a kill between the two files leaves a pair that is known.
            let text = settings.now.to_toml();
            if text != self.manifest.config {
                self.manifest.earlier_config = Some(std::mem::replace(&mut self.manifest.config, text));
            }
            self.manifest.write(self.folder.dir())?;
            self.folder.write(CONFIG, self.manifest.config.as_bytes())?;
            self.folder.remove(SUMMARY)?;
        }
        Ok(())
    }

    /// Notes the adapter that the next rounds are computed on, where it is another one.
    pub(super) fn note_adapter(&mut self) -> Result<(), FedError> {
        let now = AdapterRecord::of(self.engine.device().info(), self.progress.next);
        if self.manifest.adapters.last().is_some_and(|last| last.same(&now)) {
            return Ok(());
        }
        self.manifest.adapters.push(now);
        Ok(self.manifest.write(self.folder.dir())?)
    }
}
