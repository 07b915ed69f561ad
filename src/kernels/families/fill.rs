//! Elements of the perturbation stream, before `tau` and `scale`.

use crate::caps::AdapterInfo;
use crate::kernels::{fill_signs, fill_values};
use crate::recording::{BufferId, Recording};
use crate::stream::Distribution;

/// Writes the elements `start`, `start + 1`, ... (wrapping at 2^64) of a seed to the first `count` f32 of `out`, which must have
/// room for [`crate::kernels::vec4_bytes`]`(count)`: the last vec4 is written whole. Of `sphere` the gaussian's elements. `info`: of the device.
pub fn record(
    rec: &mut Recording,
    info: &AdapterInfo,
    dist: Distribution,
    seed: u64,
    start: u64,
    count: u32,
    out: BufferId,
) {
    match dist {
        Distribution::Rademacher => fill_signs::record(rec, info, seed, start, count, out),
        _ => fill_values::record(rec, dist, seed, start, count, out),
    }
}
