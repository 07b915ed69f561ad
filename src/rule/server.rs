//! The server's side of a round: steps applied to the weights on a device, one after the other.

use super::{HostOptimizer, LocalStep, Rule, RuleError, Step};
use crate::device::DeviceError;
use crate::engine::{Applied, Engine, EngineError, Fingerprint, LocalUpdate, Update};
use crate::ledger::Round;
use crate::stream::Distribution;

/// Applies rounds in their order, from a ledger's base on.
#[derive(Clone, Debug)]
pub struct Server {
    rule: Rule,
    /// Steps that the optimiser has made: its state lies on the device.
    steps: u64,
}

impl Server {
    /// A server that has applied no round yet.
    pub fn new(rule: Rule) -> Self {
        Self { rule, steps: 0 }
    }

    /// Its rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Settles a new round, applies it and notes the fingerprint after it. `dense` is what clients that went on with backprop add, one f32
    /// a value of the weight vector.
    ///
    /// # Errors
    /// The engine's.
    pub fn advance(
        &mut self,
        engine: &mut Engine,
        round: &mut Round,
        dense: Option<&[f32]>,
    ) -> Result<Fingerprint, EngineError> {
        self.rule.settle(round);
        let after = self.apply(engine, round, dense)?;
        round.fingerprint = after.value;
        Ok(after)
    }

    /// Settles a new round that the device has applied by itself, and notes the fingerprint after it.
    ///
    /// # Errors
    /// Integers of the device that are not the rule's: a defect.
    pub fn applied(&self, round: &mut Round, applied: &Applied) -> Result<Fingerprint, EngineError> {
        self.rule.settle(round);
        let q: Option<Vec<i32>> = round.probes.iter().map(|probe| probe.q).collect();
        let same = (round.scale_exp, round.skipped) == (Some(applied.scale_exp), applied.skipped);
        if !same || q.as_ref() != Some(&applied.q) {
            let what = format!("round {}: the device's integers of its numbers are not those of the rule", round.round);
            return Err(DeviceError::Internal(what).into());
        }
        round.fingerprint = applied.after.value;
        Ok(applied.after)
    }

    /// As [`Server::advance`], but with what an optimiser on the host makes of the round's direction. Nothing is settled: no ledger says how
    /// such a round is replayed.
    ///
    /// # Errors
    /// A step of another length than the weights; the engine's.
    pub fn advance_by(
        &mut self,
        engine: &mut Engine,
        round: &mut Round,
        dense: Option<&[f32]>,
        optimizer: &mut dyn HostOptimizer,
    ) -> Result<Fingerprint, EngineError> {
        let distribution = self.rule.distribution;
        let (seeds, a) = self.rule.direction(round);
        let a = coefficients(engine, distribution, &seeds, &a)?;
        engine.accumulate(distribution, &seeds, &a)?;
        let direction = engine.step_values()?;
        let mut after = engine.add(&optimizer.step(&direction, round.lr))?;
        if let Some(values) = dense {
            after = engine.add(values)?;
        }
        round.fingerprint = after.value;
        Ok(after)
    }

    /// Applies a round of a ledger, with the dense part that it names. Its fingerprint is compared where the rule is exact, or
    /// `same_adapter` says that the round was made on this very adapter.
    ///
    /// # Errors
    /// [`RuleError::Differs`]; the weights are then those after the round.
    pub fn replay(
        &mut self,
        engine: &mut Engine,
        round: &Round,
        dense: Option<&[f32]>,
        same_adapter: bool,
    ) -> Result<Fingerprint, RuleError> {
        let after = self.apply(engine, round, dense)?;
        if (self.rule.exact || same_adapter) && after.value != round.fingerprint {
            let (expected, found) = (round.fingerprint, after.value);
            return Err(RuleError::Differs { round: round.round, expected, found });
        }
        Ok(after)
    }

    /// Applies a round of a ledger, whatever its fingerprint.
    ///
    /// # Errors
    /// The engine's.
    pub fn apply(
        &mut self,
        engine: &mut Engine,
        round: &Round,
        dense: Option<&[f32]>,
    ) -> Result<Fingerprint, EngineError> {
        let distribution = self.rule.distribution;
        let after = match self.rule.step(round) {
            Step::Skip => engine.fingerprint()?,
            Step::Exact { seeds, q, scale_exp } => {
                engine.update(distribution, &Update::Exact { seeds: &seeds, q: &q, scale_exp })?
            }
            Step::Float { seeds, a } => {
                let a = coefficients(engine, distribution, &seeds, &a)?;
                engine.update(distribution, &Update::Float { seeds: &seeds, a: &a })?
            }
            Step::Optimised { seeds, a, lr } => {
                let optimizer = &self.rule.optimizer;
                if self.steps == 0 {
                    engine.reset_moments(optimizer)?;
                }
                self.steps += 1;
                let a = coefficients(engine, distribution, &seeds, &a)?;
                engine.accumulate(distribution, &seeds, &a)?;
                engine.advance(optimizer, lr, self.steps)?
            }
        };
        match dense {
            Some(values) => engine.add(values),
            None => Ok(after),
        }
    }
}

/// Coefficients as the device takes them, a sphere's with each seed's own factor.
fn coefficients(
    engine: &mut Engine,
    distribution: Distribution,
    seeds: &[u64],
    a: &[f64],
) -> Result<Vec<f32>, EngineError> {
    if distribution != Distribution::Sphere {
        return Ok(a.iter().map(|&a| a as f32).collect());
    }
    let factors = engine.sphere_factors(seeds)?;
    Ok(a.iter().zip(factors).map(|(a, factor)| (a * factor) as f32).collect())
}

impl LocalStep {
    /// As the engine takes it; `factors` are a sphere's of each seed, else 1.
    pub fn update(self, factors: &[f64]) -> LocalUpdate {
        match self {
            Self::Skip => LocalUpdate::None,
            Self::Exact { q, scale_exp } => LocalUpdate::Exact { q, scale_exp },
            Self::Float(a) => {
                LocalUpdate::Float { a: a.iter().zip(factors).map(|(a, factor)| (a * factor) as f32).collect() }
            }
        }
    }
}
