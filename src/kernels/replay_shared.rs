//! Exact replay of rademacher on GPUs: words shared by a workgroup, sums of four probes looked up.

use super::lib::Case;
use super::lib::replay::{self, FROM, GPU_LAUNCH_COST, OWNERS, Owners, Params, Target, Work, addition, factor_bits};
use super::lib::replay_cases::Cases;
use crate::caps::{AdapterInfo, Tier};
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::stream::Distribution;

/// The define of lookups by shuffles.
const SHUFFLED: &str = "SHUFFLED";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("replay_shared", twin).with_defines(&[OWNERS, FROM, SHUFFLED]);

/// Threads of a workgroup.
const THREADS: u32 = 64;

const WORK: Work = Work { per_group: 32 * THREADS, cost: 1, launch: GPU_LAUNCH_COST };

fn variant(lanes: u32, soft_add: bool) -> Variant {
    let plain = addition(soft_add).with("THREADS", THREADS).with("WIDE", u32::from(lanes > 1)).with("LANES", lanes);
    if lanes >= 16 { plain.define(SHUFFLED) } else { plain }
}

/// Records `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-scale_exp`; see [`super::replaying::record_exact`]. `lanes`: invocations of a subgroup.
pub fn record(rec: &mut Recording, target: &Target, scale_exp: i32, lanes: u32, soft_add: bool) {
    replay::record(rec, &KERNEL, variant(lanes, soft_add), target, factor_bits(scale_exp), WORK);
}

/// The same onto several owners' vectors, with an exponent each.
pub fn record_owners(rec: &mut Recording, to: &Owners, lanes: u32, soft_add: bool) {
    replay::record_owners(rec, &KERNEL, variant(lanes, soft_add), to, WORK);
}

fn twin(call: &Call<'_>) {
    replay::exact(call, Distribution::Rademacher);
}

fn lanes(info: &AdapterInfo) -> u32 {
    if info.tier == Tier::Subgroup { info.subgroup_size } else { 1 }
}

/// Self-test cases; the large one takes several launches.
pub fn cases() -> Vec<Case> {
    let of = Cases {
        dist: Distribution::Rademacher,
        exact: true,
        way: " shared",
        record: |rec: &mut Recording, info: &AdapterInfo, target: &Target, scale_exp, soft_add| {
            record(rec, target, scale_exp, lanes(info), soft_add);
        },
    };
    let sizes = [(1, 1), (127, 2), (128, 3), (129, 5), (5_000, 16), (5_001, 17), (9_000, 37)];
    let mut cases: Vec<Case> = sizes.map(|(params, probes)| of.random(params, probes)).into();
    for scale_exp in [-60, 23] {
        cases.extend([false, true].map(|soft_add| of.rounding(scale_exp, soft_add)));
    }
    cases.push(of.windows());
    cases.extend(of.owners("", |rec, info, to| record_owners(rec, to, lanes(info), false)));
    cases.push(of.random(1_700_001, 300).large());
    cases
}
