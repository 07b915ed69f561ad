//! Replay of a round's probes onto the weights, exactly or in f32 (perturbation-stream, Exact replay).

use crate::kernels::lib::replay::{Exact, Owners, Signs, Target};
use crate::kernels::{replay, replay_binomial, replay_float, replay_lookup, replay_shared};
use crate::recording::Recording;
use crate::stream::Distribution;

/// Exact replay: `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-scale_exp`. The coefficients obey the ledger's bound
/// (`sum |q| m <= 2^24`).
/// Distributions other than rademacher and binomial have no exact replay: nothing is recorded for them.
pub fn record_exact(rec: &mut Recording, dist: Distribution, target: &Target, scale_exp: i32, how: Exact) {
    match dist {
        Distribution::Rademacher => match how.signs {
            Signs::Picked => replay::record(rec, target, scale_exp, how.soft_add),
            Signs::Lookups => replay_lookup::record(rec, target, scale_exp, how.soft_add),
            Signs::Shared { lanes } => replay_shared::record(rec, target, scale_exp, lanes, how.soft_add),
        },
        Distribution::Binomial => replay_binomial::record(rec, target, scale_exp, how.soft_add),
        Distribution::Gaussian | Distribution::Uniform | Distribution::Sphere => {}
    }
}

/// Replay in f32: `w_i += sum_j a_j e_i(seed_j)`; see [`replay_float::record`].
pub fn record_float(rec: &mut Recording, dist: Distribution, target: &Target) {
    replay_float::record(rec, dist, target);
}

/// Exact replay of each owner's probes onto its own vector, with an exponent each; see [`record_exact`].
pub fn record_exact_owners(rec: &mut Recording, dist: Distribution, to: &Owners, how: Exact) {
    match dist {
        Distribution::Rademacher => match how.signs {
            Signs::Picked => replay::record_owners(rec, to, how.soft_add),
            Signs::Lookups => replay_lookup::record_owners(rec, to, how.soft_add),
            Signs::Shared { lanes } => replay_shared::record_owners(rec, to, lanes, how.soft_add),
        },
        Distribution::Binomial => replay_binomial::record_owners(rec, to, how.soft_add),
        Distribution::Gaussian | Distribution::Uniform | Distribution::Sphere => {}
    }
}

/// Replay in f32 of each owner's probes onto its own vector; see [`record_float`].
pub fn record_float_owners(rec: &mut Recording, dist: Distribution, to: &Owners) {
    replay_float::record_owners(rec, dist, to);
}
