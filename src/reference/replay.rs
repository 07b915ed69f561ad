//! Twins of `replay.wgsl`, `replay_lookup.wgsl`, `replay_binomial.wgsl` and `replay_float.wgsl`.

use super::exact_add::add_exact;
use super::fill::distribution;
use crate::kernels::replay::{Params, Probe};
use crate::recording::kernel::Call;
use crate::stream::{self, Distribution};

/// Weights that are summed at a time.
const PART: usize = 4096;

/// Exact replay of rademacher.
pub fn replay(call: &Call<'_>) {
    exact(call, Distribution::Rademacher);
}

/// Exact replay of binomial.
pub fn replay_binomial(call: &Call<'_>) {
    exact(call, Distribution::Binomial);
}

fn exact(call: &Call<'_>, dist: Distribution) {
    let params: Params = call.params();
    let soft = call.variant.get("SOFT_ADD", 0) != 0;
    let probes = call.read::<Probe>(1);
    let mut weights = call.write::<u32>(2);
    let mut first = u64::from(params.first);
    for part in launched(&params, &mut weights).chunks_mut(PART) {
        let mut acc = vec![0i32; part.len()];
        for probe in &probes[..params.probes as usize] {
            stream::accumulate(dist, probe.seed(), first, probe.value as i32, &mut acc);
        }
        for (w, acc) in part.iter_mut().zip(acc) {
            *w = add_exact(*w, acc, params.factor, soft);
        }
        first += PART as u64;
    }
}

/// The weights of a launch, of the whole quads that are bound.
fn launched<'a, T>(params: &Params, weights: &'a mut [T]) -> &'a mut [T] {
    &mut weights[..(params.weights - params.first) as usize]
}

/// Replay in f32 of the distribution named by the constant `DIST`.
pub fn replay_float(call: &Call<'_>) {
    let params: Params = call.params();
    let dist = distribution(call.variant.get("DIST", 2));
    let probes = call.read::<Probe>(1);
    let mut weights = call.write::<f32>(2);
    let mut first = u64::from(params.first);
    let mut elements = [0.0f32; PART];
    for part in launched(&params, &mut weights).chunks_mut(PART) {
        let mut acc = vec![0.0f32; part.len()];
        for probe in &probes[..params.probes as usize] {
            let a = f32::from_bits(probe.value);
            let elements = &mut elements[..part.len()];
            stream::fill(dist, probe.seed(), first, elements);
            acc.iter_mut().zip(elements).for_each(|(s, e)| *s += a * *e);
        }
        part.iter_mut().zip(acc).for_each(|(w, s)| *w += s);
        first += PART as u64;
    }
}
