//! The golden federations of every method: the rule alone and the whole simulation, on the tests' device in every flavour and on the CPU
//! twins.

#[path = "support/flavours.rs"]
mod flavour_support;

use std::path::{Path, PathBuf};

use flavour_support::{everything, flavours};
use zowarmup::caps::{OperandSource, Tier};
use zowarmup::device::{Selection, testing};
use zowarmup::verify::{self, Report, VerifyError};

/// What runs in flavours other than the device's own, too: each distribution, each kind of step and of layer, so that every kernel is launched
/// that any case launches.
const EVERYWHERE: [&str; 14] = [
    "adam",
    "client-options",
    "fedavgm",
    "fzoo",
    "heterofl-conv",
    "heterofl-groupnorm",
    "hessian",
    "local-steps",
    "sgd-binomial",
    "sgd-conv",
    "sgd-rademacher",
    "sgd-uniform",
    "sphere",
    "uplink-sign",
];

/// Every folder of cases.
fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/methods");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut list: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    list.sort();
    assert_eq!(list.len(), 44);
    list
}

fn agree(selection: &Selection, cases: &[PathBuf]) {
    let report: Report = verify::run(cases, selection, |_, _| Ok::<(), VerifyError>(())).unwrap();
    let mut failures = Vec::new();
    for file in &report.files {
        // A case compares at least the change of the weights; one with a ledger its rule and its numbers, too.
        let ledger = Path::new(&file.file).join("ledger.jsonl").exists();
        assert!(file.tensors.len() >= if ledger { 4 } else { 1 }, "{}: {:?}", file.file, file.tensors);
        failures.extend(file.tensors.iter().filter(|t| !t.passed()).map(|t| format!("{}: {t:?}", file.file)));
    }
    assert!(failures.is_empty() && report.passed, "{}:\n{}", report.device, failures.join("\n"));
}

fn agree_in_flavour(tier: Tier, operands: OperandSource) {
    if let Some(selection) = testing::flavour(tier, operands) {
        let own = testing::device().info().clone();
        let mut cases = cases();
        if !everything() && (own.tier, own.operands) != (tier, operands) {
            cases.retain(|path| EVERYWHERE.contains(&path.file_name().unwrap().to_str().unwrap()));
            assert_eq!(cases.len(), EVERYWHERE.len());
        }
        agree(&selection, &cases);
    }
}

flavours!(agree_in_flavour);

#[test]
fn the_twins_agree() {
    agree(&Selection::of("reference"), &cases());
}
