//! A ZO round: every client that takes part probes the weights along its seeds, the server replays all seeds.

mod absences;
mod check;
mod guard;
mod header;
mod mixed;
mod numbers;
mod plan;
mod rate;
mod statistics;

pub use absences::Absences;
pub use check::check;
pub use guard::{
    MOST as MOST_ERROR, Verdict, due as precision_due, measure as precision_error, verdict as precision_verdict,
};
pub use header::{header, settings};
pub use plan::{Plan, clients, sampled};
pub use rate::Rates;
pub use statistics::{norm_statistics, take_statistics, to_pivot};

use plan::Prober;

use super::experiment::Experiment;
use crate::config::{Normalise, Uplink, ZoConfig, ZoParticipants};
use crate::engine::{
    Applied, Engine, EngineError, LocalClient, LocalResults, LocalStep, ProbeResult, Samples, ServerOptimizer, Settling,
};
use crate::ledger::Round;
use crate::rule::{HostOptimizer, Rule, Server};

/// What a ZO round reports.
#[derive(Clone, Debug)]
pub struct ZoRound {
    /// The ledger's line; `dense` is for the caller to fill in, who writes the file.
    pub ledger: Round,
    /// What clients that went on with backprop added.
    pub dense: Option<Vec<f32>>,
    /// Clients that probed, and that went on with backprop.
    pub clients: (Vec<u32>, Vec<u32>),
    /// Probes of all clients.
    pub probes: usize,
    /// Mean over probes of (L+ + L-)/2, before the update; over those that are not null.
    pub train_loss: f64,
    /// Root mean square of dl over the probes that are not null.
    pub dl_rms: f64,
    /// Share of exact zeros among them.
    pub dl_zero: f64,
    /// Null probes.
    pub dropped: u32,
    /// The weights after the round are all finite.
    pub finite: bool,
    /// Local steps that were skipped, where clients took such whose losses have a scale.
    pub skipped_steps: Option<u32>,
}

/// The zeroth-order phase of a run between two rounds.
#[derive(Clone, Debug)]
pub struct ZoPhase {
    /// Applies rounds.
    pub server: Server,
    rates: Rates,
    absences: Absences,
    /// What a running mean of the weights keeps of itself; 0: there is none.
    averages: f64,
}

impl ZoPhase {
    /// Before its first round.
    pub fn new(experiment: &Experiment) -> Self {
        let rule = Rule::of(&header(experiment, "", None));
        let rates = Rates::new(&experiment.config.zo, &experiment.graph);
        let averages = experiment.config.eval.average;
        Self { server: Server::new(rule), rates, absences: Absences::default(), averages }
    }

    /// Whether there is a running mean of the weights.
    pub fn has_average(&self) -> bool {
        self.averages > 0.0
    }

    /// The pivot's weights lie on the device.
    ///
    /// # Errors
    /// The engine's.
    pub fn begin(&self, engine: &mut Engine) -> Result<(), EngineError> {
        // Moments of the warm-up's server are needed no more.
        engine.reset_moments(&ServerOptimizer::Sgd)?;
        if self.has_average() { engine.begin_average() } else { Ok(()) }
    }

    /// A round has been applied, by [`ZoPhase::round`] or by the server alone.
    ///
    /// # Errors
    /// The engine's.
    pub fn applied(&self, engine: &mut Engine) -> Result<(), EngineError> {
        if self.has_average() { engine.follow_average(self.averages) } else { Ok(()) }
    }

    /// Follows the mean loss of a round that was done before, as its line of metrics has it: rates may depend on it.
    pub fn follow(&mut self, train_loss: Option<f64>) {
        self.rates.follow(train_loss);
    }

    /// Bytes that the clients of round `round` are sent for rounds that they missed.
    pub fn catchup_bytes(&mut self, experiment: &Experiment, round: u32) -> u64 {
        self.absences.catchup_bytes(experiment, round)
    }

    /// Runs round `round` (absolute) and has the server apply it.
    ///
    /// # Errors
    /// The engine's.
    pub fn round(
        &mut self,
        engine: &mut Engine,
        experiment: &Experiment,
        train: &Samples,
        round: u32,
    ) -> Result<ZoRound, EngineError> {
        self.round_by(engine, experiment, train, round, None)
    }

    /// As [`ZoPhase::round`], with an optimiser of one's own.
    ///
    /// # Errors
    /// A step of another length than the weights; the engine's.
    pub fn round_by(
        &mut self,
        engine: &mut Engine,
        experiment: &Experiment,
        train: &Samples,
        round: u32,
        optimizer: Option<&mut dyn HostOptimizer>,
    ) -> Result<ZoRound, EngineError> {
        let zo = &experiment.config.zo;
        let plan = Plan::of(experiment, round);
        let mut lr = self.rates.of(round - experiment.config.warmup.rounds, plan.distinct_seeds());
        let (results, applied) = self.probe(engine, experiment, train, &plan, lr, optimizer.is_none())?;
        let mut skipped = false;
        if zo.normalise == Normalise::Deviation {
            let deviation = numbers::deviation(zo, &plan, &results).filter(|deviation| *deviation > 0.0);
            skipped = deviation.is_none();
            lr = deviation.map_or(0.0, |deviation| lr * zo.epsilon / deviation);
        }
        let dense = mixed::dense(engine, experiment, train, &plan, lr)?;
        let probes = numbers::round_entries(zo, &plan, &results);
        let mut ledger = Round { round, lr, scale_exp: None, skipped, probes, dense: None, fingerprint: 0 };
        let after = match (optimizer, applied) {
            (None, None) => self.server.advance(engine, &mut ledger, dense.as_deref())?,
            (None, Some(applied)) => self.server.applied(&mut ledger, &applied)?,
            (Some(optimizer), _) => self.server.advance_by(engine, &mut ledger, dense.as_deref(), optimizer)?,
        };
        if settings(experiment).batch_statistics && after.finite {
            take_statistics(engine, experiment, train, &plan.clients())?;
        }
        let all: Vec<ProbeResult> = results.concat().concat();
        let mut report = report(ledger, dense, &plan, after.finite, &all);
        if report.dense.is_some() && zo.participants != ZoParticipants::HighGradient {
            report.skipped_steps = engine.end_scaled_round().map(|round| round.skipped);
        }
        self.rates.follow(Some(report.train_loss));
        Ok(report)
    }

    /// The results of each step of each client that probes, and what the server made of them where the device did that as well.
    fn probe(
        &self,
        engine: &mut Engine,
        experiment: &Experiment,
        train: &Samples,
        plan: &Plan,
        lr: f64,
        by_rule: bool,
    ) -> Result<(LocalResults, Option<Applied>), EngineError> {
        let (zo, settings) = (&experiment.config.zo, settings(experiment));
        let own_lr = if zo.local_lr > 0.0 { zo.local_lr } else { lr };
        let rule = self.server.rule();
        let clients: Vec<_> = plan.probers.iter().map(|prober| LocalClient { steps: prober.steps() }).collect();
        if let Some(settling) = settling(zo, plan, rule, lr, own_lr, by_rule)
            && let Some(round) = engine.probe_at_once(train, &clients, &settings, &settling)?
        {
            return Ok((round.results, round.applied));
        }
        if zo.local_steps == 1 {
            let clients: Vec<_> = plan.probers.iter().map(|prober| prober.step(0)).collect();
            let results = engine.probe(train, &clients, &settings)?;
            return Ok((results.chunks(zo.probes as usize).map(|client| vec![client.to_vec()]).collect(), None));
        }
        let results = engine.probe_local(train, &clients, &settings, &mut |step: &LocalStep<'_>| {
            let entries = numbers::own_entries(zo, &plan.probers[step.client], step.step, step.results);
            rule.local_step(own_lr, &entries).update(step.factors)
        })?;
        Ok((results, None))
    }
}

/// What the device settles by itself in a round whose numbers the host doesn't change; none where it does change them. The server's part
/// is its own where `by_rule`.
fn settling(zo: &ZoConfig, plan: &Plan, rule: &Rule, lr: f64, own_lr: f64, by_rule: bool) -> Option<Settling> {
    if rule.pool || !rule.distribution.is_exact() || plan.probers.is_empty() {
        return None;
    }
    let probes = f64::from(zo.probes);
    let plain = rule.exact && !rule.signs && !zo.shared_seeds && zo.uplink == Uplink::F32;
    let alone = by_rule && zo.normalise != Normalise::Deviation && plan.trainers.is_empty();
    // As the rule has it, from left to right (perturbation-stream, Exact replay, step 1).
    let of_client = |prober: &Prober| -lr * (prober.share / probes);
    Some(Settling {
        apart: if rule.one_sided { rule.epsilon } else { 2.0 * rule.epsilon },
        server: (plain && alone).then(|| plan.probers.iter().map(of_client).collect()),
        own: -own_lr * (1.0 / probes),
    })
}

fn report(ledger: Round, dense: Option<Vec<f32>>, plan: &Plan, finite: bool, results: &[ProbeResult]) -> ZoRound {
    let valid: Vec<&ProbeResult> = results.iter().filter(|r| r.dl.is_finite()).collect();
    let n = valid.len().max(1) as f64;
    let mean = |value: &dyn Fn(&ProbeResult) -> f64| valid.iter().map(|r| value(r)).sum::<f64>() / n;
    let probing = plan.probers.iter().map(|p| p.client).collect();
    ZoRound {
        train_loss: if valid.is_empty() { f64::NAN } else { mean(&|r| f64::from(r.loss)) },
        dl_rms: mean(&|r| f64::from(r.dl).powi(2)).sqrt(),
        dl_zero: mean(&|r| f64::from(u8::from(r.dl == 0.0))),
        dropped: (results.len() - valid.len()) as u32,
        probes: results.len(),
        ledger,
        dense,
        clients: (probing, plan.trainers.iter().map(|(client, _)| *client).collect()),
        finite,
        skipped_steps: None,
    }
}
