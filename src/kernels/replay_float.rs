//! Replay in f32, of distributions that have no exact one.

use super::lib::Case;
use super::lib::fill::distribution;
use super::lib::replay::{self, FROM, OWNERS, Owners, Params, Target, Work};
use super::lib::replay_cases::Cases;
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::stream::{self, Distribution};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("replay_float", twin).with_defines(&[OWNERS, FROM]);

/// Replay in f32: `w_i += sum_j a_j e_i(seed_j)`, summed in the order of the probes. On cleared weights this gives the sum itself.
/// Of `sphere` the elements are the gaussian's: the host's `a_j` contains the factor of the seed.
pub fn record(rec: &mut Recording, dist: Distribution, target: &Target) {
    replay::record(rec, &KERNEL, Variant::plain().with("DIST", dist.stream_id()), target, 0, Work::of(16, cost(dist)));
}

/// The same onto several owners' vectors.
pub fn record_owners(rec: &mut Recording, dist: Distribution, to: &Owners) {
    replay::record_owners(rec, &KERNEL, Variant::plain().with("DIST", dist.stream_id()), to, Work::of(16, cost(dist)));
}

/// Operations of a probe on a weight.
fn cost(dist: Distribution) -> u64 {
    if dist == Distribution::Gaussian || dist == Distribution::Sphere { 30 } else { 12 }
}

/// Replay in f32 of the distribution named by the constant `DIST`.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let dist = distribution(call.variant.get("DIST", 2));
    let mut elements = [0.0f32; replay::PART];
    replay::for_each_vector::<f32>(call, |probes, _, weights| {
        let mut first = u64::from(params.first);
        for part in weights.chunks_mut(replay::PART) {
            let mut acc = vec![0.0f32; part.len()];
            for probe in probes {
                let a = f32::from_bits(probe.value);
                let elements = &mut elements[..part.len()];
                stream::fill(dist, probe.seed(), first, elements);
                acc.iter_mut().zip(elements).for_each(|(s, e)| *s += a * *e);
            }
            part.iter_mut().zip(acc).for_each(|(w, s)| *w += s);
            first += replay::PART as u64;
        }
    });
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |dist: Distribution| Cases {
        dist,
        exact: false,
        way: if dist.is_exact() { " in f32" } else { "" },
        record: move |rec: &mut Recording, _: &_, target: &Target, _, _| record(rec, dist, target),
    };
    let mut cases = Vec::new();
    for dist in Distribution::ALL.into_iter().filter(|&dist| dist != Distribution::Sphere) {
        cases.extend([1, 127, 128, 129, 5_000].map(|params| of(dist).random(params, 7)));
        cases.push(of(dist).windows());
        cases.extend(of(dist).owners("", move |rec, _, to| record_owners(rec, dist, to)));
    }
    cases
}
