//! The main job: warm-up rounds, the pivot, ZO rounds, with everything on disk as it goes.

use std::path::Path;
use std::time::Instant;

use super::checkpoint::Checkpoint;
use super::experiment::Experiment;
use super::folder::RunFolder;
use super::metrics::{Phase, RoundMetrics, Status, Summary};
use super::observer::{Observer, RunPlan};
use super::{cost, interrupt, recover, schedule, traffic, warmup, zo};
use crate::config::{Config, NormStatistics};
use crate::device::{Selection, open};
use crate::engine::{Engine, EngineError, Evaluation, Samples};
use crate::error::{Error, WRONG};
use crate::ledger::{Header, LedgerWriter, Optimizer, sanitize_base};
use crate::weights;

/// Where a run stands between two rounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The next round (absolute).
    pub next: u32,
    /// Accuracy at the pivot, once known.
    pub pivot: Option<(f64, f64)>,
    /// Round and accuracy of the best evaluation.
    pub best: Option<(u32, f64)>,
    /// Loss and accuracy of the last evaluation.
    pub last: Option<(f64, f64)>,
    /// Bytes up and down so far.
    pub bytes: (u64, u64),
    /// Seconds of earlier processes.
    pub seconds: f64,
    /// The pivot's broadcast was counted.
    pub pivot_counted: bool,
    /// The line of the last round.
    pub line: Option<RoundMetrics>,
}

impl Progress {
    pub(super) fn note(&mut self, round: u32, loss: f64, accuracy: f64) {
        self.last = Some((loss, accuracy));
        if self.best.is_none_or(|(_, best)| accuracy > best) {
            self.best = Some((round, accuracy));
        }
    }
}

/// A run in this process.
pub(super) struct Run<'a> {
    pub experiment: Experiment,
    pub folder: RunFolder,
    pub engine: Engine,
    pub train: Samples,
    pub test: Samples,
    pub progress: Progress,
    pub observer: &'a mut dyn Observer,
    pub started: Instant,
}

/// How the rounds ended.
enum End {
    Done,
    Diverged(String),
    Interrupted,
}

/// Starts a run. Nothing is written before the config, its data and the device have been found good.
pub fn start(
    config: &Config,
    out: Option<&Path>,
    selection: &Selection,
    observer: &mut dyn Observer,
) -> Result<Summary, Error> {
    let experiment = Experiment::prepare(config)?;
    let device = open(selection)?;
    let (engine, train, test) = load(&experiment, device, &experiment.initial)?;
    let folder = RunFolder::create(&out.map_or_else(|| RunFolder::default_path(config), Path::to_path_buf))?;
    folder.write("config.toml", config.to_toml().as_bytes())?;
    first_files(&folder, &experiment)?;
    let progress = Progress::default();
    let mut run = Run { experiment, folder, engine, train, test, progress, observer, started: Instant::now() };
    let end = run.proceed();
    if end.as_ref().is_err_and(|e| e.exit_status() == WRONG) && run.progress.next == 0 {
        // The first round showed that the request can't be met (a memory budget too small for it): nothing is left behind.
        run.folder.discard()?;
    }
    end
}

/// The files that are there before the first round, those of them that are missing.
fn first_files(folder: &RunFolder, experiment: &Experiment) -> Result<(), Error> {
    if !folder.path("split.json").exists() {
        folder.write("split.json", experiment.split.to_json().as_bytes())?;
    }
    if !folder.path("init.safetensors").exists() {
        folder.write("init.safetensors", &weights::encode(&experiment.graph.tensors, &experiment.initial, &[]))?;
    }
    if !folder.path("metrics.jsonl").exists() {
        folder.keep_metrics(0)?;
    }
    Ok(())
}

/// Goes on with an interrupted run, from its last whole round. A finished run gives its summary.
pub fn resume(dir: &Path, device: Option<&str>, observer: &mut dyn Observer) -> Result<Summary, Error> {
    let folder = RunFolder::open(dir)?;
    if let Some(summary) = folder.summary()?.filter(|s| s.status != Status::Interrupted) {
        return Ok(summary);
    }
    let mut config = Config::load(Some(&folder.path("config.toml")), &[])?;
    let init = folder.path("init.safetensors");
    if init.exists() {
        // What the run started from, whatever has become of a file that `model.weights` names.
        config.model.weights = Some(init);
    }
    let experiment = Experiment::prepare(&config)?;
    first_files(&folder, &experiment)?;
    let budget = (config.device.memory_budget > 0).then_some(config.device.memory_budget);
    let selection = Selection::resolve(device, &config.device.select, budget)?;
    let (engine, train, test) = load(&experiment, open(&selection)?, &experiment.initial)?;
    let progress = Progress::default();
    let mut run = Run { experiment, folder, engine, train, test, progress, observer, started: Instant::now() };
    recover::recover(&mut run)?;
    run.proceed()
}

fn load(
    experiment: &Experiment,
    device: Box<dyn crate::device::Device>,
    initial: &[f32],
) -> Result<(Engine, Samples, Samples), EngineError> {
    let mut engine = Engine::new(device, experiment.graph.clone(), initial)?;
    let train = engine.upload(&experiment.train_set())?;
    let test = engine.upload(&experiment.test_set())?;
    Ok((engine, train, test))
}

impl Run<'_> {
    fn proceed(&mut self) -> Result<Summary, Error> {
        let config = self.experiment.config.clone();
        interrupt::install();
        self.observer.begin(&RunPlan {
            name: config.name.clone(),
            dir: self.folder.dir().to_path_buf(),
            warmup_rounds: config.warmup.rounds,
            zo_rounds: config.zo.rounds,
            next_round: self.progress.next,
            adapter: self.engine.device().info().name.clone(),
            params: self.experiment.graph.param_count(),
            clients: self.experiment.split.clients.len(),
        });
        for note in &self.experiment.notes {
            self.observer.note(&note.to_string());
        }
        let end = self.rounds()?;
        self.finish(end)
    }

    /// The rounds from where the run stands.
    fn rounds(&mut self) -> Result<End, Error> {
        if let Some(end) = self.progress.line.as_ref().and_then(|line| self.divergence(line)) {
            // Killed between the round that diverged and the summary.
            return Ok(end);
        }
        let (warmup, total) = {
            let config = &self.experiment.config;
            (config.warmup.rounds, config.warmup.rounds + config.zo.rounds)
        };
        while self.progress.next < warmup {
            if let Some(end) = self.warmup_round()? {
                return Ok(end);
            }
        }
        if !self.folder.path("ledger.jsonl").exists() {
            self.pivot()?;
        }
        if self.progress.pivot.is_some_and(|(loss, _)| !loss.is_finite()) {
            return Ok(End::Diverged("the pivot's test loss is not finite".to_owned()));
        }
        let mut ledger =
            LedgerWriter::reopen(&self.folder.path("ledger.jsonl"), (self.progress.next - warmup) as usize)?;
        while self.progress.next < total {
            if let Some(end) = self.zo_round(&mut ledger)? {
                return Ok(end);
            }
        }
        Ok(End::Done)
    }

    /// Whether the run ends after the round it has just written.
    fn ended(&self) -> Option<End> {
        let diverged = self.progress.line.as_ref().and_then(|line| self.divergence(line));
        diverged.or_else(|| interrupt::requested().then_some(End::Interrupted))
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
        let config = &self.experiment.config;
        let (warmup, total) = (config.warmup.rounds, config.warmup.rounds + config.zo.rounds);
        schedule::evaluates(round, warmup, total, config.eval.every)
    }

    fn evaluate(&mut self, round: u32) -> Result<Option<Evaluation>, Error> {
        if !self.evaluates(round) {
            return Ok(None);
        }
        let evaluation = self.engine.evaluate(&self.test)?;
        self.progress.note(round, evaluation.loss, evaluation.accuracy());
        Ok(Some(evaluation))
    }

    fn warmup_round(&mut self) -> Result<Option<End>, Error> {
        let (round, clock) = (self.progress.next, Instant::now());
        let result = warmup::round(&mut self.engine, &self.experiment, &self.train, round)?;
        let last = round + 1 == self.experiment.config.warmup.rounds;
        let mut after = self.engine.weights()?;
        if !result.train_loss.is_finite() || after.iter().any(|w| !w.is_finite()) {
            return Ok(Some(End::Diverged(format!("warm-up round {round}: the loss or a weight is not finite"))));
        }
        if last {
            sanitize_base(&mut after);
            self.engine.set_weights(&after)?;
        }
        let evaluation = self.evaluate(round)?;
        let sent = traffic::warmup_round(self.experiment.graph.param_count(), result.clients.len());
        let mut metrics = RoundMetrics::new(round, Phase::Warmup, result.train_loss, result.clients.len());
        if let Some(e) = &evaluation {
            metrics.set_evaluation(e.loss, e.accuracy());
        }
        self.complete(metrics, sent, clock)?;
        let bytes = weights::encode(&self.experiment.graph.tensors, &after, &[]);
        Checkpoint::save(&self.folder, self.progress.next, self.seconds(), &bytes)?;
        Ok(self.ended())
    }

    /// Writes the pivot and the ledger's header, and counts the pivot's evaluation where no warm-up round did.
    fn pivot(&mut self) -> Result<(), Error> {
        if zo::norm_statistics(&self.experiment) == NormStatistics::Recomputed {
            let everyone = schedule::clients_with_samples(&self.experiment.split);
            zo::take_statistics(&mut self.engine, &self.experiment, &self.train, &everyone)?;
        }
        let mut pivot = self.engine.weights()?;
        sanitize_base(&mut pivot);
        self.engine.set_weights(&pivot)?;
        let bytes = weights::encode(&self.experiment.graph.tensors, &pivot, &[]);
        self.folder.write("pivot.safetensors", &bytes)?;
        let settings = &self.experiment.config.zo;
        let exact = settings.distribution.is_exact();
        let refreshed = zo::norm_statistics(&self.experiment) == NormStatistics::Refreshed;
        let header = Header {
            format: crate::ledger::FORMAT.to_owned(),
            version: crate::ledger::VERSION,
            model: self.experiment.model.clone(),
            params: self.experiment.graph.param_count() as u64,
            distribution: settings.distribution,
            tau: settings.tau,
            epsilon: settings.epsilon,
            exact,
            optimizer: (!exact).then_some(Optimizer::Sgd {}),
            base: "pivot.safetensors".to_owned(),
            base_sha256: crate::files::sha256_hex(&bytes),
            run_seed: self.experiment.config.seeds.probes,
            seed_pool: None,
            norm_statistics: refreshed.then(|| NormStatistics::Refreshed.name().to_owned()),
        };
        LedgerWriter::create(&self.folder.path("ledger.jsonl"), header)?;
        self.note_pivot()
    }

    /// The pivot's loss and accuracy: those after the last warm-up round, or measured now.
    pub(super) fn note_pivot(&mut self) -> Result<(), Error> {
        let warmup = self.experiment.config.warmup.rounds;
        if warmup == 0 {
            let evaluation = self.engine.evaluate(&self.test)?;
            self.progress.note(0, evaluation.loss, evaluation.accuracy());
        }
        self.progress.pivot = self.progress.last;
        Ok(())
    }

    fn zo_round(&mut self, ledger: &mut LedgerWriter) -> Result<Option<End>, Error> {
        let (round, clock) = (self.progress.next, Instant::now());
        let result = zo::round(&mut self.engine, &self.experiment, &self.train, round)?;
        if !result.finite {
            self.restore(round)?;
            return Ok(Some(End::Diverged(format!("ZO round {round}: a weight is not finite"))));
        }
        let evaluation = self.evaluate(round)?;
        let clients = self.experiment.split.clients.len();
        let pivot = if self.progress.pivot_counted { 0 } else { clients };
        let sent = cost::round_traffic(&self.experiment, result.clients.len(), pivot);
        self.progress.pivot_counted = true;
        let mut metrics = RoundMetrics::new(round, Phase::Zo, result.train_loss, result.clients.len());
        metrics.set_probes(result.ledger.probes.len(), result.dl_rms, result.dl_zero, result.dropped);
        if let Some(e) = &evaluation {
            metrics.set_evaluation(e.loss, e.accuracy());
        }
        ledger.append(&result.ledger)?;
        self.complete(metrics, sent, clock)?;
        Ok(self.ended())
    }

    /// Puts the weights before `round` back: the pivot and the ledger's rounds up to it.
    fn restore(&mut self, round: u32) -> Result<(), Error> {
        let rounds = (round - self.experiment.config.warmup.rounds) as usize;
        recover::replay_ledger(&mut self.engine, &self.experiment, &self.folder, rounds)
    }

    fn complete(&mut self, mut metrics: RoundMetrics, sent: traffic::Bytes, clock: Instant) -> Result<(), Error> {
        metrics.uplink_bytes = sent.up;
        metrics.downlink_bytes = sent.down;
        metrics.seconds = clock.elapsed().as_secs_f64();
        self.progress.bytes.0 += sent.up;
        self.progress.bytes.1 += sent.down;
        self.progress.next += 1;
        self.folder.append_metrics(&metrics)?;
        self.observer.round(&metrics);
        self.progress.line = Some(metrics);
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.progress.seconds + self.started.elapsed().as_secs_f64()
    }

    fn finish(&mut self, end: End) -> Result<Summary, Error> {
        if let End::Diverged(why) = &end {
            self.observer.note(why);
        }
        let status = match end {
            End::Done => Status::Done,
            End::Diverged(_) => Status::Diverged,
            End::Interrupted => Status::Interrupted,
        };
        if status != Status::Interrupted {
            self.close_files(status)?;
        }
        let (name, info) = (self.experiment.config.name.clone(), self.engine.device().info().clone());
        let fingerprint = self.engine.fingerprint()?;
        let (pivot, last) = (self.progress.pivot, self.progress.last);
        let summary = Summary {
            dir: self.folder.dir().display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("ZOWARMUP_COMMIT").to_owned(),
            schema: super::metrics::SCHEMA,
            name,
            status,
            adapter: info.name,
            backend: info.backend,
            driver: info.driver,
            tier: info.tier.name().to_owned(),
            seconds: self.seconds(),
            rounds: self.progress.next,
            pivot_accuracy: pivot.map(|p| p.1),
            pivot_loss: pivot.map(|p| p.0),
            final_accuracy: last.map(|p| p.1),
            final_loss: last.map(|p| p.0),
            best_accuracy: self.progress.best.map(|b| b.1),
            best_round: self.progress.best.map(|b| b.0),
            uplink_bytes: self.progress.bytes.0,
            downlink_bytes: self.progress.bytes.1,
            params: self.experiment.graph.param_count() as u64,
            fingerprint: format!("{:016x}", fingerprint.value),
        };
        self.folder.write_summary(&summary)?;
        self.observer.end(&summary);
        Ok(summary)
    }

    /// The three weight files of a run that has ended.
    fn close_files(&mut self, status: Status) -> Result<(), Error> {
        let tensors = &self.experiment.graph.tensors;
        if status == Status::Diverged && self.progress.next < self.experiment.config.warmup.rounds {
            // Diverged in the warm-up: the last checkpoint holds the last finite weights.
            let finite = Checkpoint::load(&self.folder)?.map_or_else(
                || Ok(weights::encode(tensors, &self.experiment.initial, &[])),
                |checkpoint| checkpoint.weights(&self.folder).map_err(Error::from),
            )?;
            self.folder.write("pivot.safetensors", &finite)?;
            return self.folder.write("final.safetensors", &finite).map_err(Error::from);
        }
        if !self.folder.path("pivot.safetensors").exists() {
            self.pivot()?;
        }
        let last = weights::encode(&self.experiment.graph.tensors, &self.engine.weights()?, &[]);
        self.folder.write("final.safetensors", &last)?;
        Ok(())
    }
}
