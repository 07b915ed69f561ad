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
        /// Bits of `2^-E`; ignored by the replay in f32, and where each owner has its own.
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

    /// Before an owner's probes: its E, and the first f32 of its weights, a multiple of 4.
    pub fn header(scale_exp: i32, first: u32) -> Self {
        Self { seed_lo: factor_bits(scale_exp), seed_hi: first / 4, value: 0, minus: 0 }
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

/// The define of kernels that replay onto several vectors at once.
pub const OWNERS: &str = "OWNERS";

/// The define of kernels that add to another vector than the one that they write.
pub const FROM: &str = "FROM";

/// What a replay onto the vectors of several owners reads and writes: each one's own probes onto its own.
#[derive(Clone, Copy, Debug)]
pub struct Owners {
    /// For each owner a [`Probe::header`] and `count` [`Probe`] entries, zeros beyond its own; from the buffer's start.
    pub table: BufferId,
    /// How many owners: at most 65,535.
    pub owners: u32,
    /// Probes of the one with most.
    pub count: u32,
    /// The vectors of all of them, or the same part of each: whole vec4.
    pub weights: Span,
    /// The vector that all of them start from, or that part of it: whole vec4; none: each from its own. Their own have no values then.
    pub from: Option<Span>,
    /// The first element of each in its whole vector, a multiple of 128.
    pub first: u32,
    /// Elements of each.
    pub params: u32,
}

impl Owners {
    /// Bytes of a table.
    pub fn table_bytes(owners: u64, count: u64) -> u64 {
        16 * owners * (count + 1)
    }
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
    /// How signs are summed.
    pub signs: Signs,
}

/// How the exact replay sums rademacher probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// A selection and an addition a probe: everywhere.
    Picked,
    /// By lookups of three probes in the subgroup, for software adapters whose subgroups are eight or more.
    Lookups,
    /// By lookups of four probes, words shared by a workgroup: GPUs. In subgroups of so many, or, below sixteen, in workgroup memory.
    Shared {
        /// Invocations of a subgroup; 1 where there are none.
        lanes: u32,
    },
}

impl Exact {
    /// The fastest way of a device that rounds to nearest even.
    pub fn of(info: &AdapterInfo) -> Self {
        let lanes = if info.tier == Tier::Subgroup { info.subgroup_size } else { 1 };
        let signs = match info.kind.is_software() {
            false => Signs::Shared { lanes },
            true if lanes >= 8 => Signs::Lookups,
            true => Signs::Picked,
        };
        Self { soft_add: false, signs }
    }

    /// Every way of a device, each of both additions.
    pub fn all(info: &AdapterInfo) -> Vec<Self> {
        let lanes = if info.tier == Tier::Subgroup { info.subgroup_size } else { 1 };
        let lookups = (lanes >= 8).then_some(Signs::Lookups);
        let signs = [Signs::Picked, Signs::Shared { lanes }].into_iter().chain(lookups);
        signs.flat_map(|signs| [false, true].map(|soft_add| Self { soft_add, signs })).collect()
    }
}

/// Operations of one launch: longer replays are cut into launches over parts of the weights, so that a submission can end between.
const LAUNCH_COST: u64 = 500_000_000;

/// The same of kernels for GPUs: one takes 20 ms on a small one, and cut further a large one stands idle.
pub const GPU_LAUNCH_COST: u64 = 20_000_000_000;

/// How a kernel goes over weights.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Weights of a workgroup.
    pub per_group: u32,
    /// Operations a weight and probe.
    pub cost: u64,
    /// Operations of a launch, at most.
    pub launch: u64,
}

impl Work {
    /// Of workgroups of 64 threads of `per_thread` weights each, at `cost` operations a weight and probe.
    pub fn of(per_thread: u32, cost: u64) -> Self {
        Self::by(64, per_thread, cost)
    }

    /// The same of so many threads.
    pub fn by(threads: u32, per_thread: u32, cost: u64) -> Self {
        Self { per_group: threads * per_thread, cost, launch: LAUNCH_COST }
    }

    /// The parts (first, count) of `params` weights that a launch takes, with `probes` probes each.
    fn launches(&self, params: u32, probes: u64) -> impl Iterator<Item = (u64, u64)> + use<> {
        let cost = (self.cost * probes).max(1);
        let step = (self.launch / cost).clamp(1 << 16, 1 << 31).next_multiple_of(1 << 13);
        let params = u64::from(params);
        (0..params).step_by(step as usize).map(move |done| (done, step.min(params - done)))
    }
}

/// How exact sums are added to weights: on integers, where an adapter's own addition of f32 is not the standard's.
pub fn addition(soft_add: bool) -> Variant {
    Variant::plain().with("SOFT_ADD", u32::from(soft_add))
}

/// Records launches of `kernel` over a target.
pub fn record(
    rec: &mut Recording,
    kernel: &'static Kernel,
    variant: Variant,
    target: &Target,
    factor: u32,
    work: Work,
) {
    if target.count == 0 {
        return;
    }
    let probes = Span::of(target.probes, u64::from(target.count) * 16);
    let cost = work.cost * u64::from(target.count);
    for (done, items) in work.launches(target.params, u64::from(target.count)) {
        // A launch's threads beyond its part would repeat the next one's: the end bounds them.
        let first = target.first + done as u32;
        let params = Params { probes: target.count, weights: first + items as u32, first, factor, once: 1 };
        let offset = target.offset + 4 * done;
        let weights = Span { buffer: target.weights, offset, bytes: vec4_bytes(items as u32) };
        // Named again for devices that read what was there from a texture (shaders/lib/replay.wgsl:bindings).
        let bindings = [probes, weights, weights];
        rec.dispatch(kernel, variant.clone(), &params, &bindings, fold_grid(items, work.per_group), cost * items);
    }
}

/// Records launches of `kernel` onto several owners' vectors; else as [`record`].
pub fn record_owners(rec: &mut Recording, kernel: &'static Kernel, variant: Variant, to: &Owners, work: Work) {
    if to.count == 0 || to.owners == 0 {
        return;
    }
    let table = Span::of(to.table, Owners::table_bytes(u64::from(to.owners), u64::from(to.count)));
    let probes = u64::from(to.count) * u64::from(to.owners);
    for (done, items) in work.launches(to.params, probes) {
        let first = to.first + done as u32;
        let params = Params { probes: to.count, weights: first + items as u32, first, factor: 0, once: 1 };
        let part = |all: Span| Span { offset: all.offset + 4 * done, bytes: all.bytes - 4 * done, ..all };
        let weights = part(to.weights);
        let [x, y, _] = fold_grid(items, work.per_group);
        let (bindings, cost) = ([table, weights, to.from.map_or(weights, part)], work.cost * probes * items);
        let mut variant = variant.clone().define(OWNERS);
        if to.from.is_some() {
            variant = variant.define(FROM);
        }
        rec.dispatch(kernel, variant, &params, &bindings, [x, y, to.owners], cost);
    }
}

/// Weights that are summed at a time.
pub const PART: usize = 4096;

/// Twin of the exact kernels.
pub fn exact(call: &Call<'_>, dist: Distribution) {
    let params: Params = call.params();
    let soft = call.variant.get("SOFT_ADD", 0) != 0;
    for_each_vector::<u32>(call, |probes, factor, weights| {
        let mut first = u64::from(params.first);
        for part in weights.chunks_mut(PART) {
            let mut acc = vec![0i32; part.len()];
            for probe in probes {
                stream::accumulate(dist, probe.seed(), first, probe.value as i32, &mut acc);
            }
            for (w, acc) in part.iter_mut().zip(acc) {
                *w = add_exact(*w, acc, factor, soft);
            }
            first += PART as u64;
        }
    });
}

/// The vectors of a launch one after the other: each one's probes, the bits of its factor, and its weights as far as they belong to the
/// launch.
pub fn for_each_vector<T: Pod>(call: &Call<'_>, mut replay: impl FnMut(&[Probe], u32, &mut [T])) {
    let params: Params = call.params();
    let (table, mut weights) = (call.read::<Probe>(1), call.write::<T>(2));
    let (probes, count) = (params.probes as usize, (params.weights - params.first) as usize);
    if !call.variant.defines().contains(&OWNERS) {
        return replay(&table[..probes], params.factor, &mut weights[..count]);
    }
    let from = call.variant.defines().contains(&FROM).then(|| call.read::<T>(3));
    for own in table.chunks_exact(probes + 1).take(call.grid[2] as usize) {
        let vector = &mut weights[4 * own[0].seed_hi as usize..];
        if let Some(from) = &from {
            // The rest of the last vec4 comes along.
            let whole = count.next_multiple_of(4);
            vector[..whole].copy_from_slice(&from[..whole]);
        }
        replay(&own[1..], own[0].seed_lo, &mut vector[..count]);
    }
}
