//! The part of clients that go on with backprop in a zeroth-order round (methods.md, Participants).

use super::plan::Plan;
use crate::config::ZoParticipants;
use crate::engine::{Engine, EngineError, Samples};
use crate::fed::experiment::Experiment;
use crate::fed::warmup;

/// What those clients of a round add to the weights, one f32 a value of the weight vector: `sum n_k/N (w_k - w)` after local training, or
/// `-lr sum n_k/N grad_k`. Running statistics stay: a ledger doesn't carry them. `None` where nobody trains.
pub fn dense(
    engine: &mut Engine,
    experiment: &Experiment,
    train: &Samples,
    plan: &Plan,
    lr: f64,
) -> Result<Option<Vec<f32>>, EngineError> {
    if plan.trainers.is_empty() {
        return Ok(None);
    }
    if experiment.config.zo.participants == ZoParticipants::HighGradient {
        let clients: Vec<(&[u32], f32)> = plan
            .trainers
            .iter()
            .map(|(c, share)| (&experiment.split.clients[*c as usize][..], (-lr * share) as f32))
            .collect();
        engine.mean_gradient(train, &clients)?;
    } else {
        // The ledger, which a resumed run goes on from, holds no scale.
        engine.restart_scale();
        warmup::train_delta(engine, experiment, train, plan.round, &plan.trainers)?;
    }
    let mut values = engine.step_values()?;
    values[experiment.graph.param_count()..].fill(0.0);
    Ok(Some(values))
}
