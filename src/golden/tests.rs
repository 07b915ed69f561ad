//! Reading the golden folder.

use std::path::PathBuf;

use super::*;
use crate::ledger::{Ledger, fingerprint};
use crate::model::ModelSpec;
use crate::stream::replay::apply_exact;
use crate::weights;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[test]
fn passes_are_read() {
    for (name, classes) in [
        ("mlp", 10),
        ("cnn-1x28x28", 10),
        ("cnn-3x32x32", 10),
        ("sequential", 62),
        ("sequential-norm", 5),
        ("resnet-group", 10),
        ("resnet-batch-train", 10),
        ("vit", 10),
    ] {
        let golden = PassGolden::read(&path(&format!("{name}.safetensors"))).unwrap();
        assert_eq!((golden.mode, golden.graph.classes), (Mode::Train, classes), "{name}");
        assert_eq!(golden.weights.len(), golden.graph.state_len());
        assert_eq!(golden.grads.len(), golden.graph.param_count());
        assert_eq!(golden.x.len(), golden.samples * golden.graph.input.len());
        // The loss belongs to the logits and labels.
        let mut loss = 0.0;
        for (row, &y) in golden.logits.chunks(classes).zip(&golden.y) {
            let sum: f64 = row.iter().map(|&z| f64::from(z).exp()).sum();
            loss += sum.ln() - f64::from(row[y as usize]);
        }
        assert!((loss / golden.samples as f64 - f64::from(golden.loss)).abs() < 1e-5, "{name}");
    }
}

#[test]
fn differences_are_read() {
    for name in ["spsa-mlp.json", "spsa-cnn.json", "spsa-resnet.json", "spsa-resnet-batch.json", "spsa-vit.json"] {
        let Golden::Spsa(golden) = Golden::read(&path(name)).unwrap() else { panic!("{name}") };
        assert!(golden.golden.is_file() && golden.cases.len() >= 6);
        for case in &golden.cases {
            assert!((case.loss_plus - case.loss_minus - case.dl).abs() < 1e-12);
        }
    }
}

#[test]
fn a_file_of_differences_names_only_a_file_beside_it() {
    let text = std::fs::read_to_string(path("spsa-mlp.json")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("spsa.json");
    for name in ["/etc/passwd", "../mlp.safetensors", "a/b.safetensors", ".."] {
        std::fs::write(&file, text.replace("\"mlp.safetensors\"", &format!("{name:?}"))).unwrap();
        let message = Golden::read(&file).unwrap_err().to_string();
        assert!(message.contains("golden: expected the name of a file beside this one") && message.contains(name));
    }
}

#[test]
fn other_files_are_refused_by_name() {
    for (name, part) in [
        ("stream-uniform.json", "missing field"),
        ("replay-small/base.safetensors", "metadata `model`: missing"),
        ("no-such.safetensors", "cannot read"),
    ] {
        let message = Golden::read(&path(name)).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains(name), "{message}");
    }
}

#[test]
fn replays_give_their_bits() {
    for name in ["replay-small", "replay-binomial"] {
        let ledger = Ledger::read(&path(name).join("ledger.jsonl")).unwrap();
        let (h, graph) = (&ledger.header, ModelSpec::from_json(&ledger.header.model).unwrap().graph().unwrap());
        assert!(!ledger.truncated && ledger.rounds.len() == 5);
        let base = path(name).join(&h.base);
        assert_eq!(crate::files::sha256_file(&base).unwrap(), h.base_sha256);
        let mut w = weights::load(&base, &graph.tensors).unwrap().values;
        for r in &ledger.rounds {
            let q: Vec<i32> = r.probes.iter().map(|p| p.q.unwrap()).collect();
            let seeds: Vec<u64> = r.probes.iter().map(|p| p.seed).collect();
            apply_exact(&mut w, h.distribution, &seeds, &q, r.scale_exp.unwrap());
            assert_eq!(fingerprint(&w), r.fingerprint, "{name} {}", r.round);
        }
        let last = weights::load(&path(name).join("final.safetensors"), &graph.tensors).unwrap().values;
        assert!(w.iter().zip(&last).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
