//! Replay of a round's probes onto the weights: `replay`, `replay_lookup` and `replay_binomial` exactly, `replay_float` in f32
//! (perturbation-stream, Exact replay).

use bytemuck::{Pod, Zeroable};

use super::{fold_grid, vec4_bytes};
use crate::caps::{AdapterInfo, Tier};
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{BufferId, Recording, Span};
use crate::reference;
use crate::stream::Distribution;

/// Exact replay of rademacher.
pub static RADEMACHER: Kernel = Kernel::new::<Params>("replay", reference::replay::replay);
/// The same by lookups in the subgroup.
pub static LOOKUP: Kernel = Kernel::new::<Params>("replay_lookup", reference::replay::replay).of_subgroups();
/// Exact replay of binomial.
pub static BINOMIAL: Kernel = Kernel::new::<Params>("replay_binomial", reference::replay::replay_binomial);
/// Replay in f32.
pub static FLOAT: Kernel = Kernel::new::<Params>("replay_float", reference::replay::replay_float);

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

/// Exact replay: `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-scale_exp`. The coefficients obey the ledger's bound
/// (`sum |q| m <= 2^24`).
/// Distributions other than rademacher and binomial have no exact replay: nothing is recorded for them.
pub fn record_exact(rec: &mut Recording, dist: Distribution, target: &Target, scale_exp: i32, how: Exact) {
    let variant = Variant::plain().with("SOFT_ADD", u32::from(how.soft_add));
    let factor = factor_bits(scale_exp);
    match dist {
        Distribution::Rademacher if how.lookups => record(rec, &LOOKUP, variant, target, factor, 128, 1),
        Distribution::Rademacher => record(rec, &RADEMACHER, variant, target, factor, 128, 1),
        Distribution::Binomial => record(rec, &BINOMIAL, variant, target, factor, 16, 12),
        Distribution::Gaussian | Distribution::Uniform | Distribution::Sphere => {}
    }
}

/// Replay in f32: `w_i += sum_j a_j e_i(seed_j)`, summed in the order of the probes. On cleared weights this gives the sum itself.
/// Of `sphere` the elements are the gaussian's: the host's `a_j` contains the factor of the seed.
pub fn record_float(rec: &mut Recording, dist: Distribution, target: &Target) {
    let cost = if dist == Distribution::Gaussian || dist == Distribution::Sphere { 30 } else { 12 };
    record(rec, &FLOAT, Variant::plain().with("DIST", dist.stream_id()), target, 0, 16, cost);
}

/// Operations of one launch: longer replays are cut into launches over parts of the weights, so that a submission can end between.
const LAUNCH_COST: u64 = 500_000_000;

fn record(
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
