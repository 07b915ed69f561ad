//! What the replay kernels share: their structs, their launches, and the twin of the exact ones (perturbation-stream, Exact replay).

use bytemuck::{Pod, Zeroable};

use super::exact_add::add_exact;
use super::{fold_grid, vec4_bytes};
use crate::caps::{AdapterInfo, Tier};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::{self, Distribution};

params! {
    /// The uniform block of all of them.
    pub struct Params {
        /// Number of probes.
        pub probes: u32,
        /// The element behind the last of the launch.
        pub weights: u32,
        /// First element of the launch, the first that is bound; a multiple of 128.
        pub first: u32,
        /// Bits of `2^-E`; ignored by the replay in f32.
        pub factor: u32,
        /// 1: passes of loops that keep a compiler from moving what follows them.
        pub once: u32,
    }
}

/// A probe as the shaders read it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Probe {
    /// Low word of the seed.
    pub seed_lo: u32,
    /// High word of the seed.
    pub seed_hi: u32,
    /// Bits of `q` (i32) or of `a` (f32).
    pub value: u32,
    /// Bits of `-q` (i32); 0 in the f32 replay. The shader picks one of the two.
    pub minus: u32,
}

impl Probe {
    /// Of the exact replay: a seed and its integer coefficient.
    pub fn exact(seed: u64, q: i32) -> Self {
        Self { seed_lo: seed as u32, seed_hi: (seed >> 32) as u32, value: q as u32, minus: q.wrapping_neg() as u32 }
    }

    /// Of the replay in f32: a seed and its coefficient, `tau` and `scale` included.
    pub fn float(seed: u64, a: f32) -> Self {
        Self { value: a.to_bits(), ..Self::exact(seed, 0) }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        u64::from(self.seed_lo) | u64::from(self.seed_hi) << 32
    }
}

/// What a replay reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// [`Probe`] entries from the buffer's start.
    pub probes: BufferId,
    /// How many.
    pub count: u32,
    /// The weight vector, or part of it: room for [`vec4_bytes`]`(params)` from `offset` on; what lies behind `params` stays.
    pub weights: BufferId,
    /// Its first byte, aligned as bindings are.
    pub offset: u64,
    /// Its first element in the whole vector, a multiple of 128.
    pub first: u32,
    /// Its elements.
    pub params: u32,
}

/// `2^-E` as f32 bits, for E in [-60, 60].
pub fn factor_bits(scale_exp: i32) -> u32 {
    ((127 - scale_exp.clamp(-60, 60)) as u32) << 23
}

/// How a device replays exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    /// The addition on integers, for devices whose float addition doesn't round to nearest even.
    pub soft_add: bool,
    /// Rademacher by lookups in the subgroup, for devices whose subgroups are eight or more.
    pub lookups: bool,
}

impl Exact {
    /// The fastest way of a device that rounds to nearest even.
    pub fn of(info: &AdapterInfo) -> Self {
        Self { soft_add: false, lookups: info.tier == Tier::Subgroup && info.subgroup_size >= 8 }
    }
}

/// Operations of one launch: longer replays are cut into launches over parts of the weights, so that a submission can end between.
const LAUNCH_COST: u64 = 500_000_000;

/// Records launches of `kernel` over a target, whose threads take `per_thread` weights each, at `cost` operations a weight and probe.
pub fn record(
    rec: &mut Recording,
    kernel: &'static Kernel,
    variant: Variant,
    target: &Target,
    factor: u32,
    per_thread: u32,
    cost: u64,
) {
    if target.count == 0 {
        return;
    }
    let probes = Span::of(target.probes, u64::from(target.count) * 16);
    let cost = cost * u64::from(target.count);
    let step = (LAUNCH_COST / cost).clamp(1 << 16, 1 << 31).next_multiple_of(1 << 13);
    let mut done = 0;
    while done < u64::from(target.params) {
        let items = step.min(u64::from(target.params) - done);
        // A launch's threads beyond its part would repeat the next one's: the end bounds them.
        let first = target.first + done as u32;
        let params = Params { probes: target.count, weights: first + items as u32, first, factor, once: 1 };
        let offset = target.offset + 4 * done;
        let weights = Span { buffer: target.weights, offset, bytes: vec4_bytes(items as u32) };
        // Named again for devices that read what was there from a texture (shaders/lib/replay.wgsl).
        let bindings = [probes, weights, weights];
        rec.dispatch(kernel, variant.clone(), &params, &bindings, fold_grid(items, 64 * per_thread), cost * items);
        done += items;
    }
}

/// Weights that are summed at a time.
pub const PART: usize = 4096;

/// Twin of the exact kernels.
pub fn exact(call: &Call<'_>, dist: Distribution) {
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
pub fn launched<'a, T>(params: &Params, weights: &'a mut [T]) -> &'a mut [T] {
    &mut weights[..(params.weights - params.first) as usize]
}
