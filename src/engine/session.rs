//! A program on a state in a workspace: what work is done in.

use super::{ClientStep, EngineError, Program, State, Workspace};
use crate::device::as_f32;
use crate::recording::Recording;

/// Borrows of the three, for some work. Its methods stand in the file of the work that they do.
pub struct Session<'a> {
    pub(super) space: &'a mut Workspace,
    pub(super) program: &'a Program,
    pub(super) state: &'a mut State,
}

impl Session<'_> {
    /// The same with the program of such local steps.
    pub(super) fn of_steps(&mut self, step: &ClientStep<'_>) -> Session<'_> {
        let program = if step.masks.is_some() { self.program.of_steps() } else { self.program };
        self.space.session(program, self.state)
    }

    /// Replaces the weights (f32, flat order, then the running statistics).
    ///
    /// # Errors
    /// Weights of another length.
    pub fn set_weights(&mut self, weights: &[f32]) -> Result<(), EngineError> {
        let expected = self.program.graph.state_len();
        if weights.len() != expected {
            return Err(EngineError::Params { expected, found: weights.len() });
        }
        let mut recording = Recording::new();
        recording.upload(self.state.weights().buffer, 0, weights);
        self.space.submit(&recording).map(drop)
    }

    /// Reads the weights back (f32, flat order, then the running statistics).
    pub fn weights(&mut self) -> Result<Vec<f32>, EngineError> {
        let mut recording = Recording::new();
        recording.read_back(self.state.weights());
        Ok(self.space.submit(&recording)?.first().map(|bytes| as_f32(bytes)).unwrap_or_default())
    }
}
