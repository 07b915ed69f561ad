//! Twins of `fill_signs.wgsl` and `fill_values.wgsl`.

use crate::kernels::fill::Params;
use crate::recording::kernel::Call;
use crate::stream::{self, Distribution};

/// The distribution that shaders know by a stream number.
pub(super) fn distribution(stream_id: u32) -> Distribution {
    Distribution::ALL.into_iter().find(|d| d.stream_id() == stream_id).unwrap_or(Distribution::Uniform)
}

/// `out[i] = e_(start + i)` of rademacher.
pub fn fill_signs(call: &Call<'_>) {
    fill(call, Distribution::Rademacher);
}

/// `out[i] = e_(start + i)` of the distribution named by the constant `DIST`.
pub fn fill_values(call: &Call<'_>) {
    fill(call, distribution(call.variant.get("DIST", 1)));
}

fn fill(call: &Call<'_>, dist: Distribution) {
    let params: Params = call.params();
    let seed = u64::from(params.seed_lo) | u64::from(params.seed_hi) << 32;
    let start = u64::from(params.start_lo) | u64::from(params.start_hi) << 32;
    stream::fill(dist, seed, start, &mut call.write::<f32>(1)[..params.quads as usize * 4]);
}
