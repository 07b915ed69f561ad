//! A program on a state in a workspace: what work is done in.

use super::{EngineError, Program, State, Workspace};
use crate::device::as_f32;
use crate::recording::Recording;

/// Borrows of the three, for some work. Its methods stand in the file of the work that they do.
pub struct Session<'a> {
    pub(super) space: &'a mut Workspace,
    pub(super) program: &'a Program,
    pub(super) state: &'a mut State,
}

impl Workspace {
    /// A program on a state, to work with.
    pub fn session<'a>(&'a mut self, program: &'a Program, state: &'a mut State) -> Session<'a> {
        Session { space: self, program, state }
    }
}

impl Session<'_> {
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
