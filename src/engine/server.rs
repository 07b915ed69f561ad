//! A server's step in two halves: what is to be added is collected in [`State::STEP`](super::State::STEP), then an optimiser adds it to the weights.

use super::update::{Fingerprint, Update};
use super::{EngineError, ServerOptimizer, Session};
use crate::device::as_f32;
use crate::kernels::add;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

impl Session<'_> {
    /// Sets the step to `sum_j a_j e(seed_j)`, in f32, over the parameters, and to 0 over running statistics. Of `sphere` the elements are
    /// the gaussian's: `a` contains the factor of the seed.
    ///
    /// # Errors
    /// More probes than fit a binding.
    pub fn accumulate(&mut self, distribution: Distribution, seeds: &[u64], a: &[f32]) -> Result<(), EngineError> {
        self.space.begin();
        let step = self.state.step(self.space)?;
        let mut recording = Recording::new();
        recording.clear(step);
        self.record_replay(&mut recording, distribution, &Update::Float { seeds, a }, step)?;
        self.space.submit(&recording).map(drop)
    }

    /// Adds the step to the weights by an optimiser at rate `lr`, as its step `t`, counted from 1. Running statistics move by the step as
    /// it is. Moments that aren't there yet begin. Returns the fingerprint after it.
    ///
    /// # Errors
    /// There is no step; a moment that doesn't fit the memory.
    pub fn advance(&mut self, optimizer: &ServerOptimizer, lr: f64, t: u64) -> Result<Fingerprint, EngineError> {
        self.space.begin();
        let mut recording = Recording::new();
        self.record_optimizer(&mut recording, optimizer, (lr, t))?;
        self.fingerprinted(recording)
    }

    /// Adds values to the weights (f32, flat order, then the running statistics), one addition each, and returns the fingerprint after
    /// it. The step is then these values.
    ///
    /// # Errors
    /// Values of another length.
    pub fn add(&mut self, values: &[f32]) -> Result<Fingerprint, EngineError> {
        let mut recording = Recording::new();
        let step = self.record_given(&mut recording, values)?;
        self.record_added(&mut recording, step);
        self.fingerprinted(recording)
    }

    /// Sets the step to values (f32, flat order, then the running statistics).
    ///
    /// # Errors
    /// Values of another length.
    pub fn set_step(&mut self, values: &[f32]) -> Result<(), EngineError> {
        let mut recording = Recording::new();
        self.record_given(&mut recording, values)?;
        self.space.submit(&recording).map(drop)
    }

    fn record_given(&mut self, recording: &mut Recording, values: &[f32]) -> Result<Span, EngineError> {
        let expected = self.program.graph.state_len();
        if values.len() != expected {
            return Err(EngineError::Params { expected, found: values.len() });
        }
        self.space.begin();
        let step = self.state.step(self.space)?;
        recording.upload(step.buffer, step.offset, values);
        Ok(step)
    }

    /// Adds the step to the weights as it is, one addition a weight, and returns the fingerprint after it.
    ///
    /// # Errors
    /// There is no step.
    pub fn add_step(&mut self) -> Result<Fingerprint, EngineError> {
        self.space.begin();
        let step = self.state.set_step()?;
        let mut recording = Recording::new();
        self.record_added(&mut recording, step);
        self.fingerprinted(recording)
    }

    fn record_added(&self, recording: &mut Recording, step: Span) {
        let windows = &self.program.windows;
        for piece in windows.pieces(self.program.graph.state_len()) {
            let part = |vector| windows.part(piece, vector);
            add::record(recording, piece.len as u64, part(step), part(self.state.weights()));
        }
    }

    /// Reads the step back (f32, flat order, then the running statistics).
    ///
    /// # Errors
    /// There is no step: nothing has been accumulated or trained.
    pub fn step_values(&mut self) -> Result<Vec<f32>, EngineError> {
        let step = self.state.set_step()?;
        let mut recording = Recording::new();
        recording.read_back(step);
        Ok(self.space.submit(&recording)?.first().map(|bytes| as_f32(bytes)).unwrap_or_default())
    }
}
