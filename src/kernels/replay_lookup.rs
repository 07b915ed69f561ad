//! Exact replay of rademacher by lookups in the subgroup, for subgroups of eight or more.

use super::lib::Case;
use super::lib::replay::{self, Exact, FROM, OWNERS, Owners, Params, Signs, Target, Work, addition, factor_bits};
use super::lib::replay_cases::Cases;
use crate::caps::AdapterInfo;
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::stream::Distribution;

/// Threads of a workgroup, one vector of a software adapter: threads beyond the last weight would go all the way for nothing.
const THREADS: u32 = 8;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("replay_lookup", twin).with_defines(&[OWNERS, FROM]).of_subgroups();

fn variant(probes: u32, soft_add: bool) -> Variant {
    addition(soft_add).with("PASS", if probes <= 3 { 3 } else { 6 })
}

/// Records `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-scale_exp`; see [`super::replaying::record_exact`].
pub fn record(rec: &mut Recording, target: &Target, scale_exp: i32, soft_add: bool) {
    replay::record(
        rec,
        &KERNEL,
        variant(target.count, soft_add),
        target,
        factor_bits(scale_exp),
        Work::by(THREADS, 128, 1),
    );
}

/// The same onto several owners' vectors, with an exponent each.
pub fn record_owners(rec: &mut Recording, to: &Owners, soft_add: bool) {
    replay::record_owners(rec, &KERNEL, variant(to.count, soft_add), to, Work::by(THREADS, 128, 1));
}

fn twin(call: &Call<'_>) {
    replay::exact(call, Distribution::Rademacher);
}

fn has_lookups(info: &AdapterInfo) -> bool {
    Exact::all(info).iter().any(|how| how.signs == Signs::Lookups)
}

/// Self-test cases, of [`super::replay`] where the adapter's subgroups are too small; the large one takes several launches.
pub fn cases() -> Vec<Case> {
    let of = Cases {
        dist: Distribution::Rademacher,
        exact: true,
        way: " by lookups",
        record: |rec: &mut Recording, info: &AdapterInfo, target: &Target, scale_exp, soft_add| {
            let record = if has_lookups(info) { record } else { super::replay::record };
            record(rec, target, scale_exp, soft_add);
        },
    };
    let sizes = [(1, 1), (127, 2), (128, 3), (129, 5), (5_000, 6), (5_001, 7), (9_000, 17)];
    let mut cases: Vec<Case> = sizes.map(|(params, probes)| of.random(params, probes)).into();
    for scale_exp in [-60, 23] {
        cases.extend([false, true].map(|soft_add| of.rounding(scale_exp, soft_add)));
    }
    cases.push(of.windows());
    cases.extend(of.owners("", |rec, info, to| {
        let record = if has_lookups(info) { record_owners } else { super::replay::record_owners };
        record(rec, to, false);
    }));
    cases.push(of.random(1_700_001, 300).large());
    cases
}
