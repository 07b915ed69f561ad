//! The server's update: all seeds of a round replayed in one pass over the weights, and the fingerprint of the result.

use super::counts::at_most;
use super::{EngineError, Session};
use crate::device::{DeviceError, as_u32};
use crate::kernels::{fingerprint, replay, replaying};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// What a round's update does: the sum over probes of coefficient times element, added to each weight.
#[derive(Clone, Debug)]
pub enum Update<'a> {
    /// Integers at a common power of two (perturbation-stream, Exact replay): the same bits on every device.
    Exact {
        /// A seed a probe.
        seeds: &'a [u64],
        /// An integer coefficient a probe.
        q: &'a [i32],
        /// E: the sum is multiplied by 2^-E.
        scale_exp: i32,
    },
    /// f32 coefficients, for distributions that aren't exact.
    Float {
        /// A seed a probe.
        seeds: &'a [u64],
        /// A coefficient a probe, before the element.
        a: &'a [f32],
    },
}

/// A fingerprint, and whether the weights are all finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Perturbation-stream, Ledger: `fingerprint`.
    pub value: u64,
    /// No weight is infinite or NaN.
    pub finite: bool,
}

impl Session<'_> {
    /// Applies an update and returns the fingerprint after it.
    pub fn update(&mut self, distribution: Distribution, update: &Update<'_>) -> Result<Fingerprint, EngineError> {
        self.space.begin();
        let mut recording = Recording::new();
        self.record_replay(&mut recording, distribution, update, self.state.weights())?;
        self.fingerprinted(recording)
    }

    /// Records the sum of an update, added to the parameters of `vector`, which is as long as the weights.
    pub(super) fn record_replay(
        &mut self,
        recording: &mut Recording,
        distribution: Distribution,
        update: &Update<'_>,
        vector: Span,
    ) -> Result<(), EngineError> {
        let table: Vec<replay::Probe> = match update {
            Update::Exact { seeds, q, .. } => seeds.iter().zip(*q).map(|(&s, &q)| replay::Probe::exact(s, q)).collect(),
            Update::Float { seeds, a } => seeds.iter().zip(*a).map(|(&s, &a)| replay::Probe::float(s, a)).collect(),
        };
        if table.is_empty() {
            return Ok(());
        }
        // The sum over a round's probes is rounded once: it can't be cut.
        at_most(table.len() as u64, self.space.binding() / 16, "probes of a round, of all its clients", "zo.probes")?;
        let bytes = (table.len() * 16) as u64;
        let probes = self.space.need("replayed probes", bytes)?;
        recording.upload(probes.buffer, 0, &table);
        for piece in self.program.windows.pieces(self.program.graph.param_count()) {
            let target = replay::Target {
                probes: probes.buffer,
                count: table.len() as u32,
                weights: vector.buffer,
                offset: vector.offset + 4 * piece.first as u64,
                first: piece.first as u32,
                params: piece.len as u32,
            };
            match update {
                Update::Exact { scale_exp, .. } => {
                    replaying::record_exact(recording, distribution, &target, *scale_exp, self.space.exact);
                }
                Update::Float { .. } => replaying::record_float(recording, distribution, &target),
            }
        }
        Ok(())
    }

    /// The fingerprint of the weights as they are.
    pub fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        self.space.begin();
        self.fingerprinted(Recording::new())
    }

    pub(super) fn fingerprinted(&mut self, mut recording: Recording) -> Result<Fingerprint, EngineError> {
        let out = self.record_fingerprint(&mut recording)?;
        recording.read_back(out);
        Fingerprint::of(&as_u32(&self.space.submit(&recording)?.concat()))
    }

    /// Records the fingerprint of the weights; where it lies.
    pub(super) fn record_fingerprint(&mut self, recording: &mut Recording) -> Result<Span, EngineError> {
        let out = self.space.need("fingerprint", 12)?;
        recording.clear(out);
        let weights = self.state.weights().buffer;
        for piece in self.program.windows.pieces(self.program.graph.param_count()) {
            let (first, len) = (piece.first as u32, piece.len as u32);
            fingerprint::record_part(recording, weights, 4 * piece.first as u64, first, len, out);
        }
        Ok(out)
    }
}

impl Fingerprint {
    /// Of what the kernel counts.
    pub(super) fn of(words: &[u32]) -> Result<Self, EngineError> {
        match words[..] {
            [low, high, nonfinite] => {
                Ok(Self { value: u64::from(high) << 32 | u64::from(low), finite: nonfinite == 0 })
            }
            _ => Err(DeviceError::Internal("fingerprint: read-back of the wrong length".to_owned()).into()),
        }
    }
}
