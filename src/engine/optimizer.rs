//! What a server does with a step before it adds it to the weights: the optimisers, as data, and their moments.

use super::loss_scale::LossScale;
use super::{EngineError, Session};
use crate::kernels::{fill_constant, optimizer_step};
use crate::recording::{Recording, Span};

/// How a server adds a step D to the weights (`docs/methods.md`).
///
/// Element by element, with moments that live in the [`State`](super::State): [`ServerOptimizer::FIRST`] (m), [`ServerOptimizer::SECOND`] (v).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServerOptimizer {
    /// `w += lr D`.
    Sgd,
    /// `m = beta m + D; w += lr m`; m starts at 0.
    Momentum {
        /// What is kept of m.
        beta: f64,
    },
    /// Reddi 2021, algorithm 2: `m = beta1 m + (1 - beta1) D; v = beta2 v + (1 - beta2) D^2; w += lr m / (sqrt(v) + epsilon)`; m starts at
    /// 0, v at `epsilon^2`.
    Adam {
        /// What is kept of m.
        beta1: f64,
        /// What is kept of v.
        beta2: f64,
        /// Keeps the divisor from 0.
        epsilon: f64,
        /// v starts at 0; in the step m is divided by `1 - beta1^t`, v by `1 - beta2^t`, t counted from 1.
        bias_correction: bool,
    },
    /// `v = nu v + (1 - nu) D^2` first, then `w += lr D / sqrt(v + epsilon)`; v starts at 1.
    Hessian {
        /// What is kept of v.
        nu: f64,
        /// Keeps the divisor from 0.
        epsilon: f64,
    },
}

impl ServerOptimizer {
    /// The name of the first moment among a state's vectors.
    pub const FIRST: &'static str = "first moment";
    /// The name of the second.
    pub const SECOND: &'static str = "second moment";

    /// Its moments: names, and the value that each begins with.
    pub fn moments(&self) -> Vec<(&'static str, f32)> {
        match *self {
            Self::Sgd => Vec::new(),
            Self::Momentum { .. } => vec![(Self::FIRST, 0.0)],
            Self::Adam { epsilon, bias_correction, .. } => {
                let start = if bias_correction { 0.0 } else { (epsilon * epsilon) as f32 };
                vec![(Self::FIRST, 0.0), (Self::SECOND, start)]
            }
            Self::Hessian { .. } => vec![(Self::SECOND, 1.0)],
        }
    }

    /// The kernel's constants for step `t` (counted from 1) at rate `lr`, without counts.
    fn params(&self, lr: f64, t: u64) -> optimizer_step::Params {
        let plain = optimizer_step::Params {
            count: 0,
            parameters: 0,
            lr: lr as f32,
            epsilon: 0.0,
            beta1: 0.0,
            rest1: 1.0,
            correct1: 1.0,
            beta2: 0.0,
            rest2: 0.0,
            correct2: 1.0,
        };
        match *self {
            Self::Sgd => plain,
            Self::Momentum { beta } => optimizer_step::Params { beta1: beta as f32, ..plain },
            Self::Adam { beta1, beta2, epsilon, bias_correction } => {
                let correct = |beta: f64| if bias_correction { (1.0 / (1.0 - power(beta, t))) as f32 } else { 1.0 };
                optimizer_step::Params {
                    epsilon: epsilon as f32,
                    beta1: beta1 as f32,
                    rest1: (1.0 - beta1) as f32,
                    correct1: correct(beta1),
                    beta2: beta2 as f32,
                    rest2: (1.0 - beta2) as f32,
                    correct2: correct(beta2),
                    ..plain
                }
            }
            Self::Hessian { nu, epsilon } => {
                optimizer_step::Params { epsilon: epsilon as f32, beta2: nu as f32, rest2: (1.0 - nu) as f32, ..plain }
            }
        }
    }
}

/// `base^t` by squaring: the same bits on every platform, unlike the library's `powi`.
pub fn power(base: f64, t: u64) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, t);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

impl Session<'_> {
    /// Makes the state that of an optimiser which has made no step yet: its moments begin, those of another are given back.
    pub fn reset_moments(&mut self, optimizer: &ServerOptimizer) -> Result<(), EngineError> {
        let moments = optimizer.moments();
        let names: Vec<&str> = moments.iter().map(|&(name, _)| name).collect();
        self.state.keep_only(&names);
        self.restart_scale();
        let mut recording = Recording::new();
        for (name, start) in moments {
            let span = self.moment(name)?;
            self.record_beginning(&mut recording, span, start);
        }
        self.space.submit(&recording).map(drop)
    }

    /// Has the clients of the next local steps begin with the first scale, where their losses have one.
    pub fn restart_scale(&mut self) {
        self.state.scale = self.program.scales_losses().then(LossScale::default);
    }

    /// Records the step of [`Session::advance`].
    pub(super) fn record_optimizer(
        &mut self,
        recording: &mut Recording,
        optimizer: &ServerOptimizer,
        (lr, t): (f64, u64),
    ) -> Result<(), EngineError> {
        let step = self.state.set_step()?;
        let (mut first, mut second) = (None, None);
        for (name, start) in optimizer.moments() {
            let made = self.state.find(name);
            let span = self.moment(name)?;
            if made.is_none() {
                self.record_beginning(recording, span, start);
            }
            *(if name == ServerOptimizer::FIRST { &mut first } else { &mut second }) = Some(span);
        }
        let params = optimizer.params(lr, t);
        let (windows, graph) = (&self.program.windows, &self.program.graph);
        for piece in windows.pieces(graph.state_len()) {
            let part = |vector| windows.part(piece, vector);
            let buffers = optimizer_step::Buffers {
                step: part(step),
                weights: part(self.state.weights()),
                first: first.map(part),
                second: second.map(part),
            };
            let parameters = graph.param_count().saturating_sub(piece.first).min(piece.len) as u32;
            let params = optimizer_step::Params { count: piece.len as u32, parameters, ..params };
            optimizer_step::record(recording, &params, &buffers);
        }
        Ok(())
    }

    /// Where a moment lies: as long as the weights, though what belongs to running statistics is never used.
    fn moment(&mut self, name: &str) -> Result<Span, EngineError> {
        let len = self.program.graph.state_len();
        self.state.find(name).map_or_else(|| self.state.add(self.space, name, len), Ok)
    }

    fn record_beginning(&self, recording: &mut Recording, moment: Span, value: f32) {
        for piece in self.program.windows.pieces(self.program.graph.state_len()) {
            let part = self.program.windows.part(piece, moment);
            // A state's vectors end on whole quads.
            fill_constant::record(recording, Span { bytes: part.bytes.next_multiple_of(16), ..part }, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_by_squaring() {
        for (base, n) in [(0.9, 0), (0.9, 1), (0.99, 300), (1.0, u64::MAX), (0.5, 40)] {
            assert!((power(base, n) / base.powf(n as f64) - 1.0).abs() < 1e-13, "{base} {n}");
        }
        assert_eq!((power(0.5, 3), power(0.999, 0), power(0.0, 3)), (0.125, 1.0, 0.0));
    }
}
