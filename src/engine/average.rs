//! A running mean of the weights from round to round, beside them. Running statistics have no part in it: they are the weights' own, which a
//! resumed run takes anew.

use super::{EngineError, Evaluation, Samples, Session, State};
use crate::device::as_f32;
use crate::kernels::server_step;
use crate::recording::{Recording, Span};

impl Session<'_> {
    /// Starts the mean at the weights as they are.
    ///
    /// # Errors
    /// A vector that doesn't fit the memory.
    pub fn begin_average(&mut self) -> Result<(), EngineError> {
        let average = self.state.average(self.space)?;
        let mut recording = Recording::new();
        recording.copy(self.state.weights(), average);
        self.space.submit(&recording).map(drop)
    }

    /// Moves the mean m towards the weights: `m += (1 - keeps) (w - m)`.
    ///
    /// # Errors
    /// There is no mean yet.
    pub fn follow_average(&mut self, keeps: f64) -> Result<(), EngineError> {
        let average = self.state.begun_average()?;
        let windows = &self.program.windows;
        let mut recording = Recording::new();
        for piece in windows.pieces(self.program.graph.param_count()) {
            let part = |vector| windows.part(piece, vector);
            let rate = (1.0 - keeps) as f32;
            server_step::record(&mut recording, piece.len as u32, rate, part(self.state.weights()), part(average));
        }
        self.space.submit(&recording).map(drop)
    }

    /// Evaluates the mean on all samples of a set.
    ///
    /// # Errors
    /// There is no mean yet; as [`Session::evaluate`].
    pub fn evaluate_average(&mut self, samples: &Samples) -> Result<Evaluation, EngineError> {
        let mut recording = Recording::new();
        self.record_statistics_of_weights(&mut recording)?;
        self.space.submit(&recording)?;
        self.state.exchange(State::AVERAGE);
        let evaluation = self.evaluate(samples);
        self.state.exchange(State::AVERAGE);
        evaluation
    }

    /// Reads the mean back (f32, flat order, then the running statistics).
    ///
    /// # Errors
    /// There is no mean yet.
    pub fn average(&mut self) -> Result<Vec<f32>, EngineError> {
        let mut recording = Recording::new();
        let average = self.record_statistics_of_weights(&mut recording)?;
        recording.read_back(average);
        Ok(self.space.submit(&recording)?.first().map(|bytes| as_f32(bytes)).unwrap_or_default())
    }

    /// Gives the mean the running statistics of the weights.
    fn record_statistics_of_weights(&self, recording: &mut Recording) -> Result<Span, EngineError> {
        let average = self.state.begun_average()?;
        let first = 4 * self.program.graph.param_count() as u64;
        if average.bytes > first {
            let statistics = |of: Span| Span { offset: of.offset + first, bytes: of.bytes - first, ..of };
            recording.copy(statistics(self.state.weights()), statistics(average));
        }
        Ok(average)
    }
}
