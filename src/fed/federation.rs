//! A federation in memory: an experiment's rounds one after another, without a folder, and with parts of one's own in the place of the
//! config's ([`super::parts`]).
//!
//! [`run::start`](super::run::start) is for experiments that a config describes: it writes everything down, and can be resumed and replayed.
//! What a program adds to a config can't be repeated from its files, so it stays in memory.

use super::error::FedError;
use super::experiment::Experiment;
use super::metrics::Phase;
use super::parts::{Aggregation, HostOptimizer, Schedule};
use super::warmup::{self, Parts, Warmup};
use super::zo::{self, ZoPhase};
use crate::config::WarmupAlgorithm;
use crate::device::{Selection, open};
use crate::engine::{Engine, Evaluation, Samples, Workspace};

/// An experiment on a device, between two rounds.
///
/// ```
/// use zowarmup::config::Config;
/// use zowarmup::device::Selection;
/// use zowarmup::fed::{Phase, experiment::Experiment, federation::Federation};
///
/// // Two rounds of each phase of the embedded experiment, on the CPU.
/// let overrides = ["warmup.rounds=2", "zo.rounds=2"].map(str::to_owned);
/// let experiment = Experiment::prepare(&Config::load(None, &overrides)?)?;
/// let mut federation = Federation::new(experiment, &Selection::of("reference"))?;
/// while let Some(round) = federation.round()? {
///     println!("round {}, {:?}: {} clients, loss {:.3}", round.round, round.phase, round.clients.len(), round.train_loss);
/// }
/// assert_eq!(federation.next_round(), (4, Phase::Zo));
/// println!("{:.1} %", 100.0 * federation.evaluate()?.accuracy().unwrap_or(0.0));
/// # Ok::<(), zowarmup::fed::FedError>(())
/// ```
pub struct Federation {
    experiment: Experiment,
    engine: Engine,
    train: Samples,
    test: Samples,
    warmup: Warmup,
    /// Once the pivot is passed.
    zo: Option<ZoPhase>,
    next: u32,
    schedule: Option<Box<dyn Schedule>>,
    aggregation: Option<Box<dyn Aggregation>>,
    optimizer: Option<Box<dyn HostOptimizer>>,
}

/// What a round reports.
#[derive(Clone, Debug, PartialEq)]
pub struct FederationRound {
    /// Which, from 0 through both phases.
    pub round: u32,
    /// Its phase.
    pub phase: Phase,
    /// Clients that took part, ascending.
    pub clients: Vec<u32>,
    /// Mean loss over local steps, or over probes before the update; not finite where the round diverged.
    pub train_loss: f64,
}

impl Federation {
    /// Puts an experiment on a device.
    ///
    /// # Errors
    /// Rounds that the device, or clients' samples, can't carry.
    pub fn new(experiment: Experiment, selection: &Selection) -> Result<Self, FedError> {
        let space = Workspace::new(open(selection)?)?;
        warmup::check(&experiment, space.device())?;
        zo::check(&experiment, space.device())?;
        let mut engine = Engine::on(space, experiment.graph.clone(), &experiment.initial)?;
        let train = engine.upload(&experiment.train_set())?;
        let test = engine.upload(&experiment.test_set())?;
        let warmup = Warmup::new(&mut engine, &experiment)?;
        let (schedule, aggregation, optimizer) = (None, None, None);
        Ok(Self { experiment, engine, train, test, warmup, zo: None, next: 0, schedule, aggregation, optimizer })
    }

    /// Has `schedule` say who takes part, in both phases.
    pub fn with_schedule(self, schedule: impl Schedule + 'static) -> Self {
        Self { schedule: Some(Box::new(schedule)), ..self }
    }

    /// Has `aggregation` join what clients of warm-up rounds send. Each client then trains by itself, and its change is read back: that is
    /// slower than the mean that the device makes of all.
    ///
    /// # Errors
    /// HeteroFL, whose clients have different weights.
    pub fn with_aggregation(self, aggregation: impl Aggregation + 'static) -> Result<Self, FedError> {
        self.refuse_heterofl("an aggregation")?;
        Ok(Self { aggregation: Some(Box::new(aggregation)), ..self })
    }

    /// Has `optimizer` make the server's steps, in both phases, in the place of `warmup.algorithm`'s and `zo.optimizer`. The direction is
    /// read back for it each round.
    ///
    /// # Errors
    /// HeteroFL, whose server makes no step of the kind.
    pub fn with_optimizer(self, optimizer: impl HostOptimizer + 'static) -> Result<Self, FedError> {
        self.refuse_heterofl("an optimiser")?;
        Ok(Self { optimizer: Some(Box::new(optimizer)), ..self })
    }

    fn refuse_heterofl(&self, what: &str) -> Result<(), FedError> {
        if self.experiment.config.warmup.algorithm != WarmupAlgorithm::HeteroFl {
            return Ok(());
        }
        let message = format!("warmup.algorithm = \"heterofl\": expected another algorithm with {what} of one's own");
        Err(FedError::Refused(message))
    }

    /// The experiment.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The round that comes next, and its phase; behind the last round, how many there were.
    pub fn next_round(&self) -> (u32, Phase) {
        let phase = if self.next < self.experiment.config.warmup.rounds { Phase::Warmup } else { Phase::Zo };
        (self.next, phase)
    }

    /// Does the next round; `None` where all are done.
    ///
    /// # Errors
    /// A schedule that names clients that can't take part; parts that give something of the wrong length; the engine's.
    pub fn round(&mut self) -> Result<Option<FederationRound>, FedError> {
        let (round, phase) = self.next_round();
        let config = &self.experiment.config;
        if round >= config.warmup.rounds.saturating_add(config.zo.rounds) {
            return Ok(None);
        }
        self.ask_for_clients(round, phase)?;
        let done = match phase {
            Phase::Warmup => self.warmup_round(round)?,
            Phase::Zo => self.zo_round(round)?,
        };
        self.next += 1;
        Ok(Some(done))
    }

    /// Does all rounds that are left, and evaluates the weights after them.
    ///
    /// # Errors
    /// As of [`Federation::round`].
    pub fn run(&mut self) -> Result<Evaluation, FedError> {
        while self.round()?.is_some() {}
        self.evaluate()
    }

    /// Loss and accuracy on the test samples.
    ///
    /// # Errors
    /// The engine's.
    pub fn evaluate(&mut self) -> Result<Evaluation, FedError> {
        Ok(self.engine.evaluate(&self.test)?)
    }

    /// The weights: the parameters in flat order, then running statistics.
    ///
    /// # Errors
    /// The engine's.
    pub fn weights(&mut self) -> Result<Vec<f32>, FedError> {
        Ok(self.engine.weights()?)
    }

    /// Notes the clients of a round of one's own schedule.
    fn ask_for_clients(&mut self, round: u32, phase: Phase) -> Result<(), FedError> {
        let Some(schedule) = &mut self.schedule else { return Ok(()) };
        let split = &self.experiment.split;
        let mut clients = schedule.clients(round, phase, split);
        clients.sort_unstable();
        clients.dedup();
        let refuse = |why: String| Err(FedError::Refused(format!("the schedule's clients of round {round}: {why}")));
        if clients.is_empty() {
            return refuse("expected at least one".to_owned());
        }
        let held = |client: u32| split.clients.get(client as usize).map_or(0, Vec::len);
        if let Some(client) = clients.iter().find(|&&client| held(client) == 0) {
            let count = split.clients.len();
            return refuse(format!(
                "expected clients with samples, of 0 to {}, found {client}",
                count.saturating_sub(1)
            ));
        }
        self.experiment.given.insert(round, clients);
        Ok(())
    }

    fn warmup_round(&mut self, round: u32) -> Result<FederationRound, FedError> {
        let Self { experiment, engine, train, warmup, aggregation, optimizer, .. } = self;
        let parts = Parts {
            aggregation: aggregation.as_mut().map(|own| &mut **own as &mut dyn Aggregation),
            optimizer: optimizer.as_mut().map(|own| &mut **own as &mut dyn HostOptimizer),
        };
        let done = warmup.round_by(engine, experiment, train, round, parts)?;
        Ok(FederationRound { round, phase: Phase::Warmup, clients: done.clients, train_loss: done.train_loss })
    }

    fn zo_round(&mut self, round: u32) -> Result<FederationRound, FedError> {
        let Self { experiment, engine, train, optimizer, .. } = self;
        let phase = match &mut self.zo {
            Some(phase) => phase,
            none => {
                zo::to_pivot(engine, experiment, train)?;
                let phase = ZoPhase::new(experiment);
                phase.begin(engine)?;
                none.insert(phase)
            }
        };
        let optimizer = optimizer.as_mut().map(|own| &mut **own as &mut dyn HostOptimizer);
        let done = phase.round_by(engine, experiment, train, round, optimizer)?;
        phase.applied(engine)?;
        let (probing, training) = done.clients;
        let mut clients = [probing, training].concat();
        clients.sort_unstable();
        let train_loss = if done.finite { done.train_loss } else { f64::NAN };
        Ok(FederationRound { round, phase: Phase::Zo, clients, train_loss })
    }
}
