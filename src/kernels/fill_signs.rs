//! Rademacher elements of the perturbation stream: a Philox block is 128 signs.

use super::lib::fill::{self, Params};
use super::lib::{Case, fold_grid, vec4_bytes};
use crate::caps::AdapterInfo;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("fill_signs", twin);

const DIST: Distribution = Distribution::Rademacher;

/// Records elements `start`, `start + 1`, ... of a seed; see [`super::fill::record`].
pub fn record(rec: &mut Recording, info: &AdapterInfo, seed: u64, start: u64, count: u32, out: BufferId) {
    let params = Params::new(seed, start, count);
    let variant = fill::variant(DIST, start).with("GROUP", info.subgroup_size.clamp(1, 8));
    let grid = fold_grid(u64::from(params.quads), 2048);
    rec.dispatch(&KERNEL, variant, &params, &[Span::of(out, vec4_bytes(count))], grid, u64::from(count) * 8);
}

fn twin(call: &Call<'_>) {
    fill::twin(call, DIST);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(start, count)| {
        fill::case(DIST, start, count, move |rec, info, seed, out| record(rec, info, seed, start, count, out))
    };
    fill::PLACES.map(case).into()
}
