//! The main job: warm-up rounds, the pivot, ZO rounds, with everything on disk as it goes.

mod compare;
mod finish;
mod fork;
mod recover;
mod resume;
mod rounds;
mod ways;

use std::path::Path;

pub(in crate::fed) use fork::fork_on;
pub use fork::{Origin, fork};
pub use resume::resume;
pub(in crate::fed) use resume::resume_on;
pub use ways::choose as choose_ways;

use super::error::FedError;
use super::experiment::Experiment;
use super::folder::manifest::{AdapterRecord, DataDigests, Ingredients, NormalisationRecord};
use super::folder::rounds_log::RoundsLog;
use super::folder::{self, CONFIG, INIT, METRICS, Manifest, RunFolder, SPLIT};
use super::host::Host;
use super::metrics::{Phase, RoundMetrics, Summary};
use super::observer::{Observer, RunPlan};
use super::progress::Progress;
use super::warmup::{self, Warmup};
use super::zo::{self, Verdict, ZoPhase};
use super::{dense, disk, schedule, settings};
use crate::caps::Precision;
use crate::config::Config;
use crate::device::{DeviceError, Selection};
use crate::engine::{Engine, EngineError, Samples, Workspace};
use crate::files::sha256_hex;
use crate::ledger::LedgerWriter;
use crate::weights;

/// A run in this process.
struct Run<'a> {
    experiment: Experiment,
    folder: RunFolder,
    manifest: Manifest,
    /// The digests of the rounds' lines.
    log: RoundsLog,
    engine: Engine,
    train: Samples,
    test: Samples,
    validation: Option<Samples>,
    progress: Progress,
    /// The warm-up's server.
    warmup: Warmup,
    /// The zeroth-order phase.
    zo: ZoPhase,
    observer: &'a mut dyn Observer,
}

/// How the rounds ended.
enum End {
    Done,
    Diverged(String),
    Interrupted,
}

/// Starts a run. Nothing is written before the config, its data and the device have been found good.
///
/// # Errors
/// Whatever is wrong with the request; a failing device; files that can't be written.
pub fn start(
    config: &Config,
    out: Option<&Path>,
    selection: &Selection,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    start_on(config, out, selection, &mut Host::default(), observer)
}

/// As [`start`], on a device that other runs may have used before and may use after it.
pub(in crate::fed) fn start_on(
    config: &Config,
    out: Option<&Path>,
    selection: &Selection,
    host: &mut Host,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    let mut experiment = Experiment::prepare(config)?;
    let guessed = settings::guessed(config, &experiment.data.normalisation);
    experiment.config = settings::settled(&experiment.config, &experiment.data.normalisation);
    let mut space = host.take(selection)?;
    ways::choose(&mut space, &experiment.graph, selection, observer)?;
    let Loaded { engine, train, test, validation, warmup } = load(&experiment, space)?;
    let out = out.map_or_else(|| folder::default_path(config), Path::to_path_buf);
    disk::check_room(&out, &disk::needed(&experiment, 0))?;
    let folder = RunFolder::create(&out)?;
    let ways = ways::encode(engine.ways())?;
    let manifest = Manifest::new(Ingredients {
        config: experiment.config.to_toml(),
        data: DataDigests::of(&experiment.data)?,
        normalisation: NormalisationRecord::of(&experiment.data.normalisation, guessed),
        split_sha256: experiment.split.sha256(),
        init_sha256: sha256_hex(&initial_bytes(&experiment)),
        ways_sha256: ways::digest(&ways),
        adapter: AdapterRecord::of(engine.device().info(), 0),
    });
    // Before the config: a folder with a config is one that can be resumed.
    manifest.write(folder.dir())?;
    ways::write(&folder, &ways)?;
    folder.write(CONFIG, manifest.config.as_bytes())?;
    first_files(&folder, &experiment)?;
    let log = RoundsLog::create(&folder)?;
    let zo = ZoPhase::new(&experiment);
    let progress = Progress::of(&experiment);
    let mut run =
        Run { experiment, folder, manifest, log, engine, train, test, validation, progress, warmup, zo, observer };
    let end = run.proceed();
    if end.as_ref().is_err_and(cannot_fit) && run.progress.next == 0 {
        // The first round showed that the request can't be met (a memory budget too small for it): nothing is left behind.
        run.folder.discard()?;
    }
    if end.is_ok() {
        run.leave(selection.clone(), host);
    }
    end
}

/// Whether an error says that the device can't hold or bind what a round needs, rather than that something failed.
fn cannot_fit(error: &FedError) -> bool {
    match error {
        FedError::Engine(EngineError::Device(e)) => matches!(
            e,
            DeviceError::OverBudget { .. } | DeviceError::BufferTooLarge { .. } | DeviceError::BindingTooLarge { .. }
        ),
        FedError::Engine(_) => true,
        _ => false,
    }
}

fn initial_bytes(experiment: &Experiment) -> Vec<u8> {
    weights::encode(&experiment.graph.tensors, &experiment.initial, &[])
}

/// The files that are there before the first round, those of them that are missing.
fn first_files(folder: &RunFolder, experiment: &Experiment) -> Result<(), FedError> {
    if !folder.path(SPLIT).exists() {
        folder.write(SPLIT, experiment.split.to_json().as_bytes())?;
    }
    if !folder.path(INIT).exists() {
        folder.write(INIT, &initial_bytes(experiment))?;
    }
    if !folder.path(METRICS).exists() {
        folder.write(METRICS, b"")?;
    }
    Ok(())
}

/// What lies on a device, and the warm-up's server.
struct Loaded {
    engine: Engine,
    train: Samples,
    test: Samples,
    validation: Option<Samples>,
    warmup: Warmup,
}

fn load(experiment: &Experiment, space: Workspace) -> Result<Loaded, FedError> {
    warmup::check(experiment, space.device())?;
    zo::check(experiment, space.device())?;
    let mut engine = Engine::on(space, experiment.graph.clone(), &experiment.initial)?;
    let train = engine.upload(&experiment.train_set())?;
    let test = engine.upload(&experiment.test_set())?;
    let validation = experiment.validation_set().map(|set| engine.upload(&set)).transpose()?;
    let warmup = Warmup::new(&mut engine, experiment)?;
    Ok(Loaded { engine, train, test, validation, warmup })
}

impl Run<'_> {
    /// Leaves the device to the next run.
    fn leave(self, selection: Selection, host: &mut Host) {
        host.keep(selection, self.engine.into_workspace([self.train, self.test].into_iter().chain(self.validation)));
    }

    fn proceed(&mut self) -> Result<Summary, FedError> {
        let config = &self.experiment.config;
        let plan = RunPlan {
            name: config.name.clone(),
            dir: self.folder.dir().to_path_buf(),
            warmup_rounds: config.warmup.rounds,
            zo_rounds: config.zo.rounds,
            next_round: self.progress.next,
            adapter: self.engine.device().info().name.clone(),
            params: self.experiment.graph.param_count(),
            clients: self.experiment.split.clients.len(),
            disk_bytes: disk::needed(&self.experiment, 0).all(),
        };
        self.describe();
        self.observer.begin(&plan);
        if let Some(watch) = self.observer.compiling() {
            self.engine.device_mut().watch_compiling(watch);
        }
        self.experiment.notes.iter().for_each(|note| self.observer.note(&note.to_string()));
        let (placed, all) = (self.train.placed(), self.train.len());
        if placed < all {
            let text = format!(
                "{placed} of {all} training samples lie on the device; the others are uploaded with each batch, which takes longer (a larger device.memory_budget, or a device with more memory, would hold more)"
            );
            self.observer.note(&text);
        }
        let dense = disk::needed(&self.experiment, self.progress.next).dense;
        if dense > 0 {
            let text = format!(
                "the weights that high-resource clients send will take {dense} bytes on disk, in {}",
                self.folder.path(dense::FOLDER).display()
            );
            self.observer.note(&text);
        }
        self.standing_warnings();
        self.precision_verdict(self.pivot_error())?;
        let end = self.rounds()?;
        self.finish(end)
    }

    /// What the run is made of, for the log.
    fn describe(&self) {
        let Experiment { config, data, split, graph, .. } = &self.experiment;
        let (train, test) = (data.train.labels.len(), data.test.labels.len());
        let ([c, h, w], classes) = (data.shape, data.classes);
        tracing::info!(
            "data: {}, {train} training and {test} test samples of {c}x{h}x{w}, {classes} classes",
            data.name
        );
        let sizes = || split.clients.iter().map(Vec::len);
        let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        let (clients, high, left) = (split.clients.len(), split.high_clients().len(), split.leftover.len());
        tracing::info!(
            "clients: {clients}, {high} with high resources, of {least} to {most} samples, {left} samples left over"
        );
        let (params, tensors) = (graph.param_count(), graph.tensors.len());
        tracing::info!(
            "model: {}, {params} weights in {tensors} tensors, {} layers",
            config.model.kind,
            graph.nodes.len()
        );
        let info = self.engine.device().info();
        let held = self.engine.device().peak_bytes();
        tracing::info!(
            "device: {} ({}, {}, {}), {held} bytes held before the first round",
            info.name,
            info.backend,
            info.driver,
            info.tier.name()
        );
    }

    /// Warnings that follow from what the run was made with, not from its rounds.
    fn standing_warnings(&mut self) {
        let mut list: Vec<String> = self.manifest.normalisation.guessed.iter().cloned().collect();
        if let [first, others @ ..] = &self.manifest.adapters[..] {
            list.extend(others.iter().map(|other| {
                let (first, round) = (first.text(), other.from_round);
                format!(
                    "the run began on {first} and went on on {} from round {round}: its bits are those of neither alone",
                    other.text()
                )
            }));
        }
        let precision = self.experiment.config.device.precision;
        if precision != Precision::F32 && self.engine.is_f32() {
            let why = if self.experiment.precision() == Precision::F32 {
                "one launch, of f32, computes the whole forward pass of this model".to_owned()
            } else {
                let name = &self.engine.device().info().name;
                format!("{name} has no cooperative matrices that can be relied on for a product of this model")
            };
            list.push(format!("device.precision = \"{}\": {why}; products are f32", precision.name()));
        }
        list.into_iter().for_each(|text| self.warn(text));
    }

    /// Tells what the error of loss differences at the pivot means, where products aren't f32.
    ///
    /// # Errors
    /// An error with which no zeroth-order round should begin.
    fn precision_verdict(&mut self, error: Option<f64>) -> Result<(), FedError> {
        let Some(error) = error else { return Ok(()) };
        let config = &self.experiment.config;
        match zo::precision_verdict(error, config.zo.epsilon, config.device.precision) {
            Verdict::Fine => Ok(()),
            Verdict::Told(text) => {
                self.warn(text);
                Ok(())
            }
            Verdict::TooMuch(text) => {
                let dir = self.folder.dir().display();
                Err(FedError::Refused(format!("{text} (`zowarmup fork {dir} --set KEY=VALUE` goes on from the pivot)")))
            }
        }
    }

    /// That error, once there is a pivot.
    fn pivot_error(&self) -> Option<f64> {
        self.manifest.pivot.as_ref().and_then(|pivot| pivot.dl_error)
    }

    /// Adds a warning and tells it, if it is new.
    fn warn(&mut self, text: String) {
        if self.progress.watch.add(text.clone()) {
            self.observer.warn(&format!("warning: {text}"));
        }
    }

    /// The rounds from where the run stands.
    fn rounds(&mut self) -> Result<End, FedError> {
        if let Some(end) = self.progress.line.as_ref().and_then(|line| self.divergence(line)) {
            // Killed between the round that diverged and the summary.
            return Ok(end);
        }
        let (warmup, total) = self.round_counts();
        while self.progress.next < warmup {
            if let Some(end) = self.warmup_round()? {
                return Ok(end);
            }
        }
        if !self.folder.path(folder::LEDGER).exists() {
            self.pivot()?;
        }
        if self.progress.pivot.is_some_and(|pivot| pivot.loss.is_none()) {
            return Ok(End::Diverged("the pivot's test loss is not finite".to_owned()));
        }
        let path = self.folder.path(folder::LEDGER);
        let mut ledger = LedgerWriter::reopen(&path, (self.progress.next - warmup) as usize)?;
        while self.progress.next < total {
            if let Some(end) = self.zo_round(&mut ledger)? {
                return Ok(end);
            }
        }
        Ok(End::Done)
    }

    /// Rounds of the warm-up, and of both phases.
    fn round_counts(&self) -> (u32, u32) {
        let config = &self.experiment.config;
        (config.warmup.rounds, config.warmup.rounds.saturating_add(config.zo.rounds))
    }

    /// Whether the run ends after the round it has just written; one that was the last can't be interrupted any more.
    fn ended(&mut self) -> Option<End> {
        let diverged = self.progress.line.as_ref().and_then(|line| self.divergence(line));
        let more = self.progress.next < self.round_counts().1;
        diverged.or_else(|| (more && self.observer.stop()).then_some(End::Interrupted))
    }

    /// Whether a round's line says that the run diverged in it.
    fn divergence(&self, line: &RoundMetrics) -> Option<End> {
        let phase = match line.phase {
            Phase::Warmup => "warm-up",
            Phase::Zo => "ZO",
        };
        let why = if line.probes.is_some() && line.dropped == line.probes {
            "no probe gave a finite loss"
        } else if self.evaluates(line.round) && line.test_loss.is_none() {
            "the test loss is not finite"
        } else {
            return None;
        };
        Some(End::Diverged(format!("{phase} round {}: {why}", line.round)))
    }

    /// Whether the test set is evaluated after `round`: every so many rounds, at the pivot and at the end.
    fn evaluates(&self, round: u32) -> bool {
        let (warmup, total) = self.round_counts();
        schedule::evaluates(round, warmup, total, self.experiment.config.eval.every)
    }
}
