//! Elements of the perturbation stream, before `tau` and `scale`: `fill_signs` for rademacher, `fill_values` for the others.

use super::{fold_grid, vec4_bytes};
use crate::caps::AdapterInfo;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{BufferId, Recording, Span};
use crate::reference;
use crate::stream::{Distribution, block_len};

/// Rademacher: a Philox block is 128 signs.
pub static SIGNS: Kernel = Kernel::new::<Params>("fill_signs", reference::fill::fill_signs);
/// Binomial, gaussian, uniform: a Philox block is four numbers.
pub static VALUES: Kernel = Kernel::new::<Params>("fill_values", reference::fill::fill_values);

params! {
    /// The uniform block of both.
    pub struct Params {
        /// Low word of the seed.
        pub seed_lo: u32,
        /// High word of the seed.
        pub seed_hi: u32,
        /// Low word of the first element's index.
        pub start_lo: u32,
        /// High word of it.
        pub start_hi: u32,
        /// vec4 to write.
        pub quads: u32,
    }
}

/// Writes the elements `start`, `start + 1`, ... (wrapping at 2^64) of a seed to the first `count` f32 of `out`, which must have
/// room for [`vec4_bytes`]`(count)`: the last vec4 is written whole. Of `sphere` the gaussian's elements. `info`: of the device.
pub fn record(
    rec: &mut Recording,
    info: &AdapterInfo,
    dist: Distribution,
    seed: u64,
    start: u64,
    count: u32,
    out: BufferId,
) {
    let quads = count.div_ceil(4);
    let params = Params {
        seed_lo: seed as u32,
        seed_hi: (seed >> 32) as u32,
        start_lo: start as u32,
        start_hi: (start >> 32) as u32,
        quads,
    };
    let unaligned = u32::from(!start.is_multiple_of(block_len(dist)));
    let variant = Variant::plain().with("UNALIGNED", unaligned);
    let bindings = [Span::of(out, vec4_bytes(count))];
    if dist == Distribution::Rademacher {
        let grid = fold_grid(u64::from(quads), 2048);
        let variant = variant.with("GROUP", info.subgroup_size.clamp(1, 8));
        rec.dispatch(&SIGNS, variant, &params, &bindings, grid, u64::from(count) * 8);
    } else {
        let grid = fold_grid(u64::from(quads), 64);
        let variant = variant.with("DIST", dist.stream_id());
        rec.dispatch(&VALUES, variant, &params, &bindings, grid, u64::from(count) * 50);
    }
}
