//! Weights of a lane, perturbed as `shaders/lib/perturbed.wgsl` perturbs them.

use super::Call;
use crate::kernels::params::Lane;
use crate::stream::{self, Distribution};

/// A lane's weight vector.
pub struct Weights<'a> {
    weights: &'a [f32],
    lane: Lane,
    distribution: Option<Distribution>,
}

impl<'a> Weights<'a> {
    /// The weights of `lane` in `weights`, perturbed as the variant's `PERTURB` says.
    pub fn new(call: &Call<'_>, weights: &'a [f32], lane: &Lane) -> Self {
        let code = call.variant.get("PERTURB", 0);
        let distribution = Distribution::ALL.into_iter().find(|d| d.stream_id() + 1 == code);
        Self { weights, lane: *lane, distribution }
    }

    /// The tensor of `len` values at flat index `offset`.
    pub fn tensor(&self, offset: usize, len: usize) -> Vec<f32> {
        let mut values = self.weights[self.lane.weight_base as usize + offset..][..len].to_vec();
        if let Some(distribution) = self.distribution {
            let mut elements = vec![0.0; len];
            let seed = u64::from(self.lane.seed_hi) << 32 | u64::from(self.lane.seed_lo);
            stream::fill(distribution, seed, offset as u64, &mut elements);
            for (value, e) in values.iter_mut().zip(elements) {
                *value += self.lane.coef * e;
            }
        }
        values
    }

    /// As [`Weights::tensor`], or zeros where `offset` is `u32::MAX`.
    pub fn optional(&self, offset: u32, len: usize) -> Vec<f32> {
        if offset == u32::MAX { vec![0.0; len] } else { self.tensor(offset as usize, len) }
    }
}
