//! Weights as a lane sees them: the twin of `weight_at` in `shaders/lib/weights.wgsl:weight`.

use super::params::Lane;
use crate::stream::{self, Distribution};

/// Weights `first .. first + count` (flat indices) of a lane, perturbed by its seed as the constant `PERTURB` says.
pub fn weights(all: &[f32], lane: &Lane, perturb: u32, first: u32, count: u32) -> Vec<f32> {
    let base = lane.weight_base.wrapping_add(first) as usize;
    let mut out = all[base..base + count as usize].to_vec();
    let distribution = match perturb {
        0 => return out,
        1 => Distribution::Rademacher,
        2 => Distribution::Binomial,
        3 => Distribution::Gaussian,
        _ => Distribution::Uniform,
    };
    let mut elements = vec![0.0; out.len()];
    stream::fill(distribution, lane.seed(), u64::from(first), &mut elements);
    for (w, e) in out.iter_mut().zip(elements) {
        *w += lane.coef * e;
    }
    out
}
