//! Small models that have each kind of layer first, in the middle and last, against PyTorch in f64 (`tests/golden/chains-*`): logits, loss,
//! gradients, statistics, and the differences of probes (`spsa-chains-*`). Tolerances are those of `verify`.

#[path = "support/flavours.rs"]
mod flavour_support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flavour_support::{everything, flavours};
use zowarmup::caps::{Layout, OperandSource, Tier};
use zowarmup::device::{Selection, testing};
use zowarmup::golden::{Golden, PassGolden};
use zowarmup::model::{Link, ModelSpec};
use zowarmup::verify::{self, VerifyError};

/// The golden files whose names start with `prefix`, sorted.
fn files(prefix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(prefix);
    let mut files: Vec<PathBuf> = entries.filter(named).collect();
    files.sort();
    files
}

/// What runs with channels last on the device, and in flavours other than its own, too: of each kind of layer a file, forward and backward; and probes of norms and of rows
/// that lanes share.
const EVERYWHERE: [&str; 9] = [
    "chains-batch-norm-train",
    "chains-dropout-middle",
    "chains-gelu-first",
    "chains-groupnorm-last",
    "chains-layernorm-first",
    "chains-pools-first",
    "chains-project-first",
    "spsa-chains-groupnorm-first",
    "spsa-chains-pools-first",
];

fn all() -> Vec<PathBuf> {
    let (passes, differences) = (files("chains-"), files("spsa-chains-"));
    assert_eq!((passes.len(), differences.len()), (34, 23));
    passes.into_iter().chain(differences).collect()
}

/// Those that run everywhere.
fn part() -> Vec<PathBuf> {
    let mut files = all();
    files.retain(|path| EVERYWHERE.contains(&path.file_stem().unwrap().to_str().unwrap()));
    assert_eq!(files.len(), EVERYWHERE.len());
    files
}

fn agree(selection: &Selection, all: &[PathBuf]) {
    let report = verify::run(all, selection, |_, _| Ok::<(), VerifyError>(())).unwrap();
    let mut wrong = Vec::new();
    for (path, file) in all.iter().zip(&report.files) {
        let least = match Golden::read(path).unwrap() {
            Golden::Federation(_) => panic!("{} is no chain", path.display()),
            // Logits, loss and a gradient a tensor, at least; with masks loss and gradients once more.
            Golden::Pass(pass) => match pass.masked {
                Some(_) => 3 + 2 * pass.graph.params().len(),
                None => 2 + pass.graph.params().len(),
            },
            Golden::Spsa(spsa) => spsa.cases.len(),
        };
        assert!(file.tensors.len() >= least && least >= 4, "{}: {} compared", file.file, file.tensors.len());
        for tensor in file.tensors.iter().filter(|tensor| !tensor.passed()) {
            wrong.push(format!("{}: {}: {} > {}", file.file, tensor.name, tensor.error, tensor.tolerance));
        }
    }
    assert!(report.passed && wrong.is_empty(), "on {}:\n{}", report.device, wrong.join("\n"));
}

fn agree_in_flavour(tier: Tier, operands: OperandSource) {
    if let Some(selection) = testing::flavour(tier, operands) {
        let own = testing::device().info().clone();
        let own = (own.tier, own.operands) == (tier, operands);
        agree(&selection, &if own || everything() { all() } else { part() });
    }
}

flavours!(agree_in_flavour);

#[test]
fn on_the_cpu_twins() {
    agree(&Selection::of("reference"), &all());
}

#[test]
fn with_channels_last() {
    // A software adapter compiles each file's pipelines for seconds.
    let files = if everything() { all() } else { part() };
    for (selection, files) in [(testing::selection(), files), (Selection::of("reference"), all())] {
        agree(&Selection { layout: Some(Layout::ChannelsLast), ..selection }, &files);
    }
}

/// The files say something: every tensor has a gradient far above rounding, and what masks drop is told apart from what it is without.
#[test]
fn the_files_tell_layers_apart() {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    for path in files("chains-") {
        let golden = PassGolden::read(&path).unwrap();
        for tensor in golden.graph.params() {
            let range = tensor.offset..tensor.offset + tensor.len;
            // A relative error of 1e-3 of less would be below f32's own rounding of sums of numbers near 1.
            let size = norm(&mut golden.grads[range.clone()].iter().copied());
            assert!(size > 1e-4, "{}: {} has a gradient of norm {size}", path.display(), tensor.name);
            if let Some(masked) = &golden.masked {
                let pairs = golden.grads[range.clone()].iter().zip(&masked.grads[range]);
                let apart = norm(&mut pairs.map(|(plain, masked)| masked - plain));
                // Ten times the tolerance of a gradient.
                assert!(apart > 0.01 * size, "{}: {}: masks change {apart} of {size}", path.display(), tensor.name);
            }
        }
    }
}

/// Every entry that a table of layers may have stands first, in the middle and last in some file.
#[test]
fn every_kind_of_layer_is_in_every_place() {
    let mut places: BTreeMap<&str, [bool; 3]> = Link::names().map(|kind| (kind, [false; 3])).collect();
    for path in files("chains-") {
        let ModelSpec::Sequential { layers, .. } = PassGolden::read(&path).unwrap().spec else { continue };
        for (i, layer) in layers.iter().enumerate() {
            let place = if i == 0 { 0 } else { 1 + usize::from(i + 1 == layers.len()) };
            places.get_mut(layer.name()).unwrap()[place] = true;
        }
    }
    let missing: Vec<_> = places.iter().filter(|(_, found)| found.contains(&false)).collect();
    assert!(missing.is_empty(), "first, in the middle, last: {missing:?}");
}
