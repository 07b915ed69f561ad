//! Exact replay of binomial.

use super::lib::Case;
use super::lib::replay::{self, FROM, OWNERS, Owners, Params, Target, Work, addition, factor_bits};
use super::lib::replay_cases::Cases;
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("replay_binomial", twin).with_defines(&[OWNERS, FROM]);

/// Records `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-scale_exp`; see [`super::replaying::record_exact`].
pub fn record(rec: &mut Recording, target: &Target, scale_exp: i32, soft_add: bool) {
    replay::record(rec, &KERNEL, addition(soft_add), target, factor_bits(scale_exp), Work::of(16, 12));
}

/// The same onto several owners' vectors, with an exponent each.
pub fn record_owners(rec: &mut Recording, to: &Owners, soft_add: bool) {
    replay::record_owners(rec, &KERNEL, addition(soft_add), to, Work::of(16, 12));
}

fn twin(call: &Call<'_>) {
    replay::exact(call, Distribution::Binomial);
}

/// Self-test cases; the large one takes several launches.
pub fn cases() -> Vec<Case> {
    let of = Cases {
        dist: Distribution::Binomial,
        exact: true,
        way: "",
        record: |rec: &mut Recording, _: &_, target: &Target, scale_exp, soft_add| {
            record(rec, target, scale_exp, soft_add)
        },
    };
    let mut cases = of.usual(record_owners);
    cases.push(of.windows());
    cases.push(of.random(140_001, 300).large());
    cases
}
