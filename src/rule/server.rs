//! The server's side of a round: steps applied to the weights on a device, one after the other.

use super::{Rule, RuleError, Step};
use crate::engine::{Engine, EngineError, Fingerprint, Update};
use crate::ledger::Round;

/// Applies rounds in their order, from a ledger's base on.
#[derive(Clone, Debug)]
pub struct Server {
    rule: Rule,
}

impl Server {
    /// A server that has applied no round yet.
    pub fn new(rule: Rule) -> Self {
        Self { rule }
    }

    /// Its rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Settles a new round, applies it and notes the fingerprint after it.
    ///
    /// # Errors
    /// The engine's.
    pub fn advance(&mut self, engine: &mut Engine, round: &mut Round) -> Result<Fingerprint, EngineError> {
        self.rule.settle(round);
        let after = self.apply(engine, round)?;
        round.fingerprint = after.value;
        Ok(after)
    }

    /// Applies a round of a ledger. Its fingerprint is compared where the rule is exact, or `same_adapter` says that the round was
    /// made on this very adapter.
    ///
    /// # Errors
    /// [`RuleError::Differs`]; the weights are then those after the round.
    pub fn replay(&mut self, engine: &mut Engine, round: &Round, same_adapter: bool) -> Result<Fingerprint, RuleError> {
        let after = self.apply(engine, round)?;
        if (self.rule.exact || same_adapter) && after.value != round.fingerprint {
            let (expected, found) = (round.fingerprint, after.value);
            return Err(RuleError::Differs { round: round.round, expected, found });
        }
        Ok(after)
    }

    fn apply(&mut self, engine: &mut Engine, round: &Round) -> Result<Fingerprint, EngineError> {
        let distribution = self.rule.distribution;
        match self.rule.step(round) {
            Step::Skip => engine.fingerprint(),
            Step::Exact { seeds, q, scale_exp } => {
                engine.update(distribution, &Update::Exact { seeds: &seeds, q: &q, scale_exp })
            }
            Step::Float { seeds, a } => engine.update(distribution, &Update::Float { seeds: &seeds, a: &a }),
        }
    }
}
