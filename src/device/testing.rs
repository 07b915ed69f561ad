//! Which device tests run on: the best adapter, or what `ZOWARMUP_TEST_DEVICE` names (as `--device` does). Without an adapter a test
//! fails unless that is `reference`: a suite that is green has run shaders, or somebody has said that it need not.

use super::{Device, DeviceError, Selection, list, open};
use crate::caps::{AdapterKind, OperandSource, Tier};

/// The variable.
pub const VARIABLE: &str = "ZOWARMUP_TEST_DEVICE";

/// What tests select.
pub fn selection() -> Selection {
    let wanted = std::env::var(VARIABLE).ok().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
    Selection { wanted, ..Selection::default() }
}

/// The device that tests run on.
///
/// # Panics
/// Where there is none.
pub fn device() -> Box<dyn Device> {
    opened(&selection())
}

/// Opens what a test asks for.
///
/// # Panics
/// Where that can't be had.
pub fn opened(selection: &Selection) -> Box<dyn Device> {
    match open(selection) {
        Ok(device) => device,
        Err(e @ DeviceError::NoAdapter) => panic!("{e}; {}", without()),
        Err(e) => panic!("{e}"),
    }
}

/// What child processes get as `ZOWARMUP_DEVICE`, so that they compute on the device of the tests; `None`: nothing, the best adapter is
/// theirs, too.
///
/// # Panics
/// Where there is none.
pub fn for_children() -> Option<String> {
    let selection = selection();
    let (all, picked) = list(&selection).unwrap_or_else(|e| panic!("{e}"));
    if selection.wanted.is_none() && all.get(picked).is_none_or(|(info, _)| info.kind == AdapterKind::Reference) {
        panic!("{}; {}", DeviceError::NoAdapter, without());
    }
    selection.wanted
}

fn without() -> String {
    format!("tests do without one only with {VARIABLE}=reference")
}

/// The selection of a flavour of kernels. None where the adapter lacks it, which is printed with the reason; the CPU twins have one
/// flavour.
///
/// # Panics
/// Where there is no device, or where the flavour fails for another reason than that the adapter lacks it.
pub fn flavour(tier: Tier, operands: OperandSource) -> Option<Selection> {
    let name = format!("{} tier, {} operands", tier.name(), operands.name());
    let flavour = Selection { tier: Some(tier), operands: Some(operands), ..selection() };
    let found = match open(&flavour) {
        Ok(device) => device.info().clone(),
        Err(e @ DeviceError::Lacks { .. }) => {
            println!("skipped: {e} ({name})");
            return None;
        }
        Err(DeviceError::NoAdapter) => panic!("{}; {}", DeviceError::NoAdapter, without()),
        Err(e) => panic!("{name}: {e}"),
    };
    if found.kind == AdapterKind::Reference && (tier, operands) != (found.tier, found.operands) {
        println!("skipped: the CPU twins have one flavour ({name})");
        return None;
    }
    assert_eq!((found.tier, found.operands), (tier, operands), "what was opened");
    println!("{name} on {}, subgroups of {}", found.name, found.subgroup_size);
    Some(flavour)
}
