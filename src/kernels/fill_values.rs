//! Elements of the perturbation stream that are numbers (binomial, gaussian, uniform): a Philox block is four.

use super::lib::fill::{self, Params};
use super::lib::{Case, fold_grid, vec4_bytes};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("fill_values", twin);

/// Records elements `start`, `start + 1`, ... of a seed; see [`super::fill::record`].
pub fn record(rec: &mut Recording, dist: Distribution, seed: u64, start: u64, count: u32, out: BufferId) {
    let params = Params::new(seed, start, count);
    let variant = fill::variant(dist, start).with("DIST", dist.stream_id());
    let grid = fold_grid(u64::from(params.quads), 64);
    rec.dispatch(&KERNEL, variant, &params, &[Span::of(out, vec4_bytes(count))], grid, u64::from(count) * 50);
}

fn twin(call: &Call<'_>) {
    fill::twin(call, fill::distribution(call.variant.get("DIST", 1)));
}

/// Self-test cases; the large one has more than 65,535 workgroups.
pub fn cases() -> Vec<Case> {
    let case = |dist, (start, count)| {
        fill::case(dist, start, count, move |rec, _, seed, out| record(rec, dist, seed, start, count, out))
    };
    let dists = [Distribution::Binomial, Distribution::Gaussian, Distribution::Uniform];
    let mut cases: Vec<Case> = dists.into_iter().flat_map(|dist| fill::PLACES.map(|place| case(dist, place))).collect();
    cases.push(case(Distribution::Binomial, (0, 65_536 * 256 + 5)).large());
    cases
}
