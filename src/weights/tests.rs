//! Round trips, and every way in which a file can be wrong.

use serde_json::json;

use super::*;
use crate::model::{Graph, ModelSpec};

fn mlp(hidden: usize) -> Graph {
    ModelSpec::from_json(&json!({"kind": "mlp", "input": 5, "hidden": [hidden], "classes": 3}))
        .unwrap()
        .graph()
        .unwrap()
}

fn message(bytes: &[u8], graph: &Graph) -> String {
    decode(Path::new("w.safetensors"), bytes, &graph.tensors).unwrap_err().to_string()
}

#[test]
fn round_trip() {
    let graph = mlp(4);
    let w = graph.init_weights(1);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    save(&path, &graph.tensors, &w, &[("round", "7"), ("note", "a")]).unwrap();
    assert_eq!(load(&path, &graph.tensors).unwrap(), w);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes, encode(&graph.tensors, &w, &[("round", "7"), ("note", "a")]));
    assert_eq!(TensorFile::parse(&path, &bytes).unwrap().metadata("round"), Some("7"));
}

#[test]
fn files_in_another_order_are_read() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/replay-small/base.safetensors"));
    let table = json!({"kind": "mlp", "input": 64, "hidden": [64], "classes": 10});
    let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
    assert_eq!(load(path, &graph.tensors).unwrap().len(), 4810);
}

#[test]
fn errors_name_file_tensor_and_what_was_expected() {
    let graph = mlp(4);
    let w = graph.init_weights(1);
    let bytes = encode(&graph.tensors, &w, &[]);
    for cut in [0, 5, 40, bytes.len() - 1] {
        assert!(message(&bytes[..cut], &graph).contains("w.safetensors"), "{cut}");
    }
    assert!(message(&bytes[..bytes.len() - 1], &graph).contains("truncated"));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(message(&longer, &graph).contains("not as long"));

    let other = message(&bytes, &mlp(6));
    assert!(other.contains("layers.0.weight") && other.contains("[6, 5]") && other.contains("[4, 5]"), "{other}");
    let missing = message(&encode(&graph.tensors[..3], &w[..w.len() - 3], &[]), &graph);
    assert!(missing.contains("`layers.1.bias`: missing"), "{missing}");
    let mut fewer = graph.clone();
    fewer.tensors.pop();
    fewer.learnable -= 1;
    assert!(message(&bytes, &fewer).contains("`layers.1.bias`: the model has no"));

    let mut retyped = bytes.clone();
    let at = bytes.windows(3).position(|w| w == b"F32").unwrap();
    retyped[at..at + 3].copy_from_slice(b"I32");
    let dtype = message(&retyped, &graph);
    assert!(dtype.contains("expected type F32, found I32"), "{dtype}");

    for at in [bytes.len() - 1, bytes.len() - 4 * w.len()] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let text = message(&damaged, &graph);
        assert!(text.contains("w.safetensors") && text.contains("SHA-256"), "{text}");
    }

    let mut bad = w.clone();
    bad[21] = f32::NAN;
    assert!(
        message(&encode(&graph.tensors, &bad, &[]), &graph)
            .contains("`layers.0.bias`: expected finite values, found NaN at index 1")
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    assert!(save(&path, &graph.tensors, &bad, &[]).unwrap_err().to_string().contains("layers.0.bias"));
    assert!(save(&path, &graph.tensors, &w[1..], &[]).unwrap_err().to_string().contains("expected 39"));
    assert!(!path.exists());
}
