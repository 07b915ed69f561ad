//! Small models that have each kind of layer first, in the middle and last, against PyTorch in f64 (`tests/golden/chains-*`): logits, loss,
//! gradients, statistics, and the differences of probes (`spsa-chains-*`). Tolerances are those of `verify`.

use std::path::{Path, PathBuf};

use zowarmup::caps::Layout;
use zowarmup::device::{Selection, testing};
use zowarmup::golden::{Golden, PassGolden};
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

fn agree(selection: &Selection) {
    let (passes, differences) = (files("chains-"), files("spsa-chains-"));
    assert_eq!((passes.len(), differences.len()), (17, 12));
    let all: Vec<PathBuf> = passes.into_iter().chain(differences).collect();
    let report = verify::run(&all, selection, |_, _| Ok::<(), VerifyError>(())).unwrap();
    let mut wrong = Vec::new();
    for (path, file) in all.iter().zip(&report.files) {
        let least = match Golden::read(path).unwrap() {
            Golden::Federation(_) => panic!("{} is no chain", path.display()),
            // Logits, loss and a gradient a tensor, at least.
            Golden::Pass(pass) => 2 + pass.graph.params().len(),
            Golden::Spsa(spsa) => spsa.cases.len(),
        };
        assert!(file.tensors.len() >= least && least >= 4, "{}: {} compared", file.file, file.tensors.len());
        for tensor in file.tensors.iter().filter(|tensor| !tensor.passed()) {
            wrong.push(format!("{}: {}: {} > {}", file.file, tensor.name, tensor.error, tensor.tolerance));
        }
    }
    assert!(report.passed && wrong.is_empty(), "on {}:\n{}", report.device, wrong.join("\n"));
}

#[test]
fn on_the_best_adapter() {
    agree(&testing::selection());
}

#[test]
fn on_the_cpu_twins() {
    agree(&Selection::of("reference"));
}

#[test]
fn with_channels_last() {
    for selection in [testing::selection(), Selection::of("reference")] {
        agree(&Selection { layout: Some(Layout::ChannelsLast), ..selection });
    }
}

/// The files say something: every tensor has a gradient far above rounding.
#[test]
fn the_files_tell_layers_apart() {
    for path in files("chains-") {
        let golden = PassGolden::read(&path).unwrap();
        for tensor in golden.graph.params() {
            let gradient = &golden.grads[tensor.offset..tensor.offset + tensor.len];
            let norm = gradient.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
            // A relative error of 1e-3 of less would be below f32's own rounding of sums of numbers near 1.
            assert!(norm > 1e-4, "{}: {} has a gradient of norm {norm}", path.display(), tensor.name);
        }
    }
}
