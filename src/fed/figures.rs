//! What an evaluation gave.

use super::inclusion::{self, Groups};
use crate::engine::Evaluation;
use crate::split::Split;

/// What an evaluation gave; null where it isn't finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Mean test loss.
    pub loss: Option<f64>,
    /// Test accuracy, 0..1.
    pub accuracy: Option<f64>,
    /// Of groups of clients, where they were asked for.
    pub groups: Option<Groups>,
}

impl From<&Evaluation> for Figures {
    fn from(evaluation: &Evaluation) -> Self {
        // Logits that are not numbers are nobody's prediction: without a finite loss there is no accuracy either.
        let finite = evaluation.is_finite();
        Self { loss: finite.then_some(evaluation.loss), accuracy: evaluation.accuracy(), groups: None }
    }
}

impl Figures {
    /// As [`Figures::from`], with what the evaluation means to the clients of a split.
    pub fn with_groups(evaluation: &Evaluation, split: &Split) -> Self {
        let groups = inclusion::class_accuracies(evaluation)
            .map(|classes| inclusion::groups(split, &inclusion::client_accuracies(split, &classes)));
        Self { groups, ..Self::from(evaluation) }
    }
}
