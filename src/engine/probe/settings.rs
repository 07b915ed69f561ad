//! What a round of probes is asked for and what it gives.

use crate::stream::Distribution;

/// A client's part of a round of probes.
#[derive(Clone, Copy, Debug)]
pub struct ProbeClient<'a> {
    /// Its samples.
    pub indices: &'a [u32],
    /// A seed a probe.
    pub seeds: &'a [u64],
}

/// Where a probe's losses are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sides {
    /// At w + eps z and w - eps z: `dl = L(w + eps z) - L(w - eps z)`.
    #[default]
    Two,
    /// At w + eps z and w: `dl = L(w + eps z) - L(w)`. The loss at w is computed once for all probes of a client.
    One,
}

impl Sides {
    /// Evaluations of a client's `probes` probes.
    pub fn evaluations(self, probes: u64) -> u64 {
        match self {
            Self::Two => 2 * probes,
            Self::One if probes == 0 => 0,
            Self::One => probes + 1,
        }
    }

    /// What the step is multiplied by on the side that is subtracted.
    pub(super) fn other(self) -> f32 {
        match self {
            Self::Two => -1.0,
            Self::One => 0.0,
        }
    }
}

/// How to perturb.
#[derive(Clone, Copy, Debug)]
pub struct ProbeSettings {
    /// Distribution of the perturbation.
    pub distribution: Distribution,
    /// Its standard deviation.
    pub tau: f64,
    /// The step.
    pub epsilon: f64,
    /// Where losses are taken.
    pub sides: Sides,
    /// Batch norms take the statistics of the client's samples, not the running ones. Its lanes are not cut then.
    pub batch_statistics: bool,
}

impl ProbeSettings {
    /// What an element of the stream is multiplied by: epsilon tau scale, and the seed's own `factor` (1, but for the sphere), as f32.
    pub fn coefficient(&self, factor: f64) -> f32 {
        (self.epsilon * self.tau * self.distribution.scale() * factor) as f32
    }

    /// The directions of seeds that have these factors.
    pub(super) fn directions(&self, seeds: &[u64], factors: &[f64]) -> Vec<Direction> {
        let of = |(&seed, &factor)| Direction { seed, coefficient: self.coefficient(factor) };
        seeds.iter().zip(factors).map(of).collect()
    }
}

/// What one probe gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbeResult {
    /// Mean over the client's samples of the loss at w + eps z less that on the other side.
    pub dl: f32,
    /// Mean of the two losses.
    pub loss: f32,
}

/// A direction that is probed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Direction {
    /// Its seed.
    pub seed: u64,
    /// What its elements are multiplied by.
    pub coefficient: f32,
}

/// Consecutive probes of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// The client's samples.
    pub indices: &'a [u32],
    /// A direction a probe.
    pub directions: &'a [Direction],
    /// Where the client's weights start.
    pub weight_base: u32,
}

impl<'a> Run<'a> {
    /// All probes of a client on the shared weights.
    pub fn of(client: &ProbeClient<'a>, directions: &'a [Direction]) -> Self {
        Self { indices: client.indices, directions, weight_base: 0 }
    }
}
