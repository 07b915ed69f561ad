//! Every kernel against its CPU twin on the tests' device, in every flavour and subgroup size.

#[path = "support/flavours.rs"]
mod flavour_support;

use flavour_support::{everything, flavours, ran, subgroups};
use zowarmup::caps::{AdapterInfo, OperandSource, Tier};
use zowarmup::device::{Selection, testing};
use zowarmup::selftest::{self, Case};

fn agree(selection: &Selection, cases: &[Case]) {
    assert!(!cases.is_empty(), "no case is left");
    let mut failed = 0;
    let results = selftest::run(testing::opened(selection), selection, cases, |r, count| {
        let place = format!("[{}/{}]", count.done, count.of);
        println!("{place:9} {:60} error {:9.2e} tolerance {:9.2e}", r.name, r.error, r.tolerance);
        if !r.passed {
            failed += 1;
            let why = r.failure.as_deref().unwrap_or("");
            eprintln!("{}: error {:e}, tolerance {:e} {why}", r.name, r.error, r.tolerance);
        }
        Ok::<(), ()>(())
    });
    assert_eq!(results.unwrap().len(), cases.len());
    assert_eq!(failed, 0, "of {} cases", cases.len());
}

/// All cases but those whose shaders are, to the letter, those of a flavour that has a test of its own; in flavours that aren't the device's own
/// not each of them at every size.
fn kernels_agree_with_their_twins(tier: Tier, operands: OperandSource) {
    let Some(selection) = testing::flavour(tier, operands) else { return };
    let info = testing::opened(&selection).info().clone();
    // The flavour that a device takes by itself runs whole.
    let whole = testing::device().info().clone();
    let mut earlier = Vec::new();
    if (whole.tier, whole.operands) != (tier, operands) {
        earlier.push(whole.clone());
        for tier in Tier::ALL {
            for operands in OperandSource::ALL {
                let before = (tier, operands) < (info.tier, info.operands);
                let subgroup_size = if tier == Tier::Core { 0 } else { info.subgroup_size.max(whole.subgroup_size) };
                if before && testing::flavour(tier, operands).is_some() {
                    earlier.push(AdapterInfo { tier, operands, subgroup_size, ..info.clone() });
                }
            }
        }
    }
    let mut cases = selftest::cases();
    let all = cases.len();
    if everything() {
        cases.retain(|case| {
            let shaders = selftest::shaders(&info, case);
            !earlier.iter().any(|earlier| selftest::shaders(earlier, case) == shaders)
        });
    } else if earlier.is_empty() {
        cases = selftest::suited(&info, cases);
    } else {
        cases = selftest::of_each_choice(&info, &earlier, cases);
    }
    println!("{} of {all} cases", cases.len());
    if cases.is_empty() && !earlier.is_empty() {
        return;
    }
    agree(&selection, &cases);
}

flavours!(kernels_agree_with_their_twins);

const WITH_SUBGROUPS: &str = "kernels_with_subgroups";

/// The cases whose shaders use subgroups.
#[test]
#[ignore = "started by subgroups_of_*"]
fn kernels_with_subgroups() {
    let selection = Selection { tier: Some(Tier::Subgroup), ..testing::selection() };
    let info = testing::opened(&selection).info().clone();
    let mut cases = selftest::cases();
    // subgroupShuffle, subgroupBroadcast, subgroup_invocation_id, ...
    let named = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
    let uses_subgroups = |shader: &String| shader.split("subgroup").skip(1).any(named);
    cases.retain(|case| selftest::shaders(&info, case).iter().any(uses_subgroups));
    if !everything() {
        cases = selftest::quick(&info, cases);
    }
    agree(&selection, &cases);
    println!("{}", ran(WITH_SUBGROUPS, info.subgroup_size));
}

subgroups!(WITH_SUBGROUPS);
