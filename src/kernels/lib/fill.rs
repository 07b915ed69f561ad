//! Elements of the perturbation stream, before `tau` and `scale`: what `fill_signs` and `fill_values` share.

use super::{Case, vec4_bytes};
use crate::caps::AdapterInfo;
use crate::recording::kernel::{Call, Variant, params};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::{self, Distribution, block_len};

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

impl Params {
    /// Of the elements from `start` on, up to the end of the last vec4 of `count`.
    pub fn new(seed: u64, start: u64, count: u32) -> Self {
        Self {
            seed_lo: seed as u32,
            seed_hi: (seed >> 32) as u32,
            start_lo: start as u32,
            start_hi: (start >> 32) as u32,
            quads: count.div_ceil(4),
        }
    }
}

/// The constant that both kernels have: whether elements start within a block of the stream.
pub fn variant(dist: Distribution, start: u64) -> Variant {
    Variant::plain().with("UNALIGNED", u32::from(!start.is_multiple_of(block_len(dist))))
}

/// The distribution that shaders know by a stream number.
pub fn distribution(stream_id: u32) -> Distribution {
    Distribution::ALL.into_iter().find(|d| d.stream_id() == stream_id).unwrap_or(Distribution::Uniform)
}

/// The twins: `out[i] = e_(start + i)`.
pub fn twin(call: &Call<'_>, dist: Distribution) {
    let params: Params = call.params();
    let seed = u64::from(params.seed_lo) | u64::from(params.seed_hi) << 32;
    let start = u64::from(params.start_lo) | u64::from(params.start_hi) << 32;
    stream::fill(dist, seed, start, &mut call.write::<f32>(1)[..params.quads as usize * 4]);
}

/// First elements and counts of cases: one element; parts of blocks; many; across the end of the index.
pub const PLACES: [(u64, u32); 6] =
    [(0, 1), (0, 127), (128, 128), (77, 129), (1_000_003, 4_096), (u64::MAX - 200, 500)];

/// A case of `count` elements from `start` on, recorded by `record`, which gets a seed and the target.
pub fn case(
    dist: Distribution,
    start: u64,
    count: u32,
    record: impl Fn(&mut Recording, &AdapterInfo, u64, BufferId) + Send + Sync + 'static,
) -> Case {
    // Twice the contract's bound on an element: either side may use it up.
    let tolerance = if dist == Distribution::Gaussian { 2e-5 } else { 0.0 };
    Case::new(format!("fill {dist} {start}+{count}"), tolerance, move |f| {
        let out = f.unwritten("fill", vec4_bytes(count));
        let mut rec = Recording::new();
        record(&mut rec, f.info(), 0xfeed_beef_0123_4567, out);
        rec.read_back(Span::of(out, u64::from(count) * 4));
        rec
    })
}
