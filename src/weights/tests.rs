//! Round trips, and every way in which a file can be wrong.

use serde_json::json;

use std::path::Path;

use super::*;
use crate::model::{Graph, ModelSpec, ParamTensor};

fn mlp(hidden: usize) -> Graph {
    ModelSpec::from_json(&json!({"kind": "mlp", "input": 5, "hidden": [hidden], "classes": 3}))
        .unwrap()
        .graph()
        .unwrap()
}

/// A model with batch norms, whose running statistics are in its files.
fn batch_norm() -> Graph {
    let table = json!({"kind": "resnet", "input": [1, 8, 8], "depth": 10, "width": 2, "norm": "batch", "classes": 3});
    ModelSpec::from_json(&table).unwrap().graph().unwrap()
}

/// A safetensors file of tensors `(name, dtype, shape, data)`, as another program would write it.
fn file(tensors: &[(String, &str, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let start = data.len();
        data.extend(bytes);
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let header = serde_json::Value::Object(header).to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

/// The tensors of a weight vector, under changed names, each value written by `bytes`.
fn exported(graph: &Graph, w: &[f32], name: fn(&str) -> String, dtype: &str, bytes: fn(f32) -> Vec<u8>) -> Vec<u8> {
    let tensor = |p: &ParamTensor| {
        let data = w[p.offset..p.offset + p.len].iter().flat_map(|&v| bytes(v)).collect();
        (name(&p.name), dtype, p.shape.clone(), data)
    };
    file(&graph.tensors.iter().map(tensor).collect::<Vec<_>>())
}

fn notes(loaded: &Loaded) -> Vec<String> {
    loaded.notes.iter().map(ToString::to_string).collect()
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
    assert_eq!(load(&path, &graph.tensors).unwrap(), Loaded { values: w.clone(), notes: Vec::new() });
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes, encode(&graph.tensors, &w, &[("round", "7"), ("note", "a")]));
    assert_eq!(TensorFile::parse(&path, &bytes).unwrap().metadata("round"), Some("7"));
}

#[test]
fn files_in_another_order_are_read() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/replay-small/base.safetensors"));
    let table = json!({"kind": "mlp", "input": 64, "hidden": [64], "classes": 10});
    let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
    assert_eq!(load(path, &graph.tensors).unwrap().values.len(), 4810);
}

#[test]
fn errors_name_file_tensor_and_what_was_expected() {
    let graph = mlp(4);
    let w = graph.init_weights(1);
    let bytes = encode(&graph.tensors, &w, &[]);
    for cut in [0, 5, 40, bytes.len() - 1] {
        assert!(message(&bytes[..cut], &graph).contains("w.safetensors"), "{cut}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let text = message(&longer, &graph);
    assert!(text.contains("1 more at the end") && text.contains(&format!("truncate -s {}", bytes.len())), "{text}");
    assert!(message(&bytes[..bytes.len() - 3], &graph).contains("3 are missing at the end"));

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
    assert!(dtype.contains("expected type F32 (F16, BF16 and F64 are converted), found I32"), "{dtype}");

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

#[test]
fn other_floats_are_converted_and_noted() {
    let graph = mlp(4);
    let w = graph.init_weights(1);
    let same = |name: &str| name.to_owned();
    type Write = fn(f32) -> Vec<u8>;
    type Rounded = fn(f32) -> f32;
    // Exact from f16 and bf16; the nearest f32 from f64.
    let kinds: [(&str, Write, Rounded); 3] = [
        ("F16", |v| half::f16::from_f32(v).to_le_bytes().into(), |v| half::f16::from_f32(v).to_f32()),
        ("BF16", |v| half::bf16::from_f32(v).to_le_bytes().into(), |v| half::bf16::from_f32(v).to_f32()),
        ("F64", |v| (f64::from(v) * (1.0 + 1e-12)).to_le_bytes().into(), |v| v),
    ];
    for (dtype, write, rounded) in kinds {
        let loaded = decode(Path::new("w"), &exported(&graph, &w, same, dtype, write), &graph.tensors).unwrap();
        assert_eq!(loaded.values, w.iter().map(|&v| rounded(v)).collect::<Vec<_>>(), "{dtype}");
        assert_eq!(notes(&loaded), [format!("w: 4 tensors converted from {dtype} to F32")]);
    }
    let huge: Write = |v| (f64::from(v) * 1e300).to_le_bytes().into();
    let text = message(&exported(&graph, &w, same, "F64", huge), &graph);
    assert!(text.contains("inf as f32 at index 0") || text.contains("-inf as f32 at index 0"), "{text}");
    let bytes: Write = |_| vec![0];
    let text = message(&exported(&graph, &w, same, "F8_E4M3", bytes), &graph);
    assert!(text.contains("found F8_E4M3") && text.contains("tensor.float()"), "{text}");
}

#[test]
fn names_of_wrappers_are_taken_off_and_noted() {
    let graph = mlp(4);
    let w = graph.init_weights(1);
    let f32s = |v: f32| v.to_le_bytes().to_vec();
    type Name = fn(&str) -> String;
    let module = "w: `module.` taken off the names of 4 tensors";
    let compiled = "w: `_orig_mod.` taken off the names of 4 tensors";
    let names: [(Name, &[&str]); 6] = [
        (|n| format!("module.{n}"), &[module]),
        (|n| format!("_orig_mod.{n}"), &[compiled]),
        (|n| format!("_orig_mod.module.{n}"), &[compiled, module]),
        (|n| format!("module._orig_mod.{n}"), &[compiled, module]),
        // Only a part of the model was wrapped.
        (|n| n.replace("layers.1", "layers.module.1"), &["w: `module.` taken off the names of 2 tensors"]),
        (|n| n.to_owned(), &[]),
    ];
    for (name, expected) in names {
        let loaded = decode(Path::new("w"), &exported(&graph, &w, name, "F32", f32s), &graph.tensors).unwrap();
        assert_eq!(loaded.values, w);
        assert_eq!(notes(&loaded), expected);
    }
    let both = exported(&graph, &w, |n| n.replace("layers.1", "module.layers.0"), "F32", f32s);
    let text = message(&both, &graph);
    assert!(text.contains("expected one tensor called `layers.0.bias`"), "{text}");
    let foreign = message(&exported(&graph, &w, |n| format!("encoder.{n}"), "F32", f32s), &graph);
    assert!(foreign.contains("tensor `encoder.layers.0.bias`: the model has no tensor of this name"), "{foreign}");
}

#[test]
fn a_negative_running_variance_is_refused_and_huge_weights_are_taken() {
    let graph = batch_norm();
    let mut w = graph.init_weights(1);
    let variance = graph.buffers().iter().find(|b| b.name.ends_with("running_var")).unwrap();
    let load = |w: &[f32]| decode(Path::new("w"), &encode(&graph.tensors, w, &[]), &graph.tensors);
    w[0] = 1e38;
    w[variance.offset] = 0.0;
    assert_eq!(load(&w).unwrap().values, w);
    // A mean may be negative, a variance may not.
    let mean = graph.buffers().iter().find(|b| b.name.ends_with("running_mean")).unwrap();
    w[mean.offset] = -1.0;
    assert!(load(&w).is_ok());
    w[variance.offset + 1] = -1e-3;
    let expected = format!("w: tensor `{}`: expected variances of at least 0, found -0.001 at index 1", variance.name);
    assert_eq!(load(&w).unwrap_err().to_string(), expected);
    w[variance.offset + 1] = f32::INFINITY;
    assert!(load(&w).unwrap_err().to_string().contains("expected finite values, found inf at index 1"));
}

#[test]
fn files_of_another_kind_are_called_what_they_are() {
    let graph = mlp(4);
    let mut torch = b"PK\x03\x04".to_vec();
    torch.resize(26, 0);
    torch.extend([11, 0, 0, 0]);
    torch.extend(b"net/data.pkl");
    torch[26] = 12;
    for (bytes, words) in [
        (torch, &["found a file of torch.save", "torch.load(\"w.safetensors\"", "save_file"][..]),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), &["found a pickle", "torch.load", "save_file"]),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1".to_vec(), &["Git LFS pointer", "git lfs pull"]),
        (b"{\"metadata\": {}, \"weight_map\": {\"a\": \"b\"}}".to_vec(), &["JSON", "index", "shards", "weight_map"]),
        (b"<!DOCTYPE html><html></html>".to_vec(), &["a web page", "download it again"]),
        (b"\x1f\x8b\x08\0".to_vec(), &["a gzip file", "unpack"]),
        (Vec::new(), &["an empty file"]),
    ] {
        let text = message(&bytes, &graph);
        assert!(text.starts_with("w.safetensors: expected a safetensors file, found"), "{text}");
        assert!(words.iter().all(|word| text.contains(word)) && !text.contains('\n'), "{words:?} in {text}");
    }
    assert!(message(b"no weights at all", &graph).contains("another kind of file"));
}

#[cfg(unix)]
#[test]
fn a_large_file_of_another_kind_is_told_apart_and_others_are_bounded_by_the_model() {
    let graph = mlp(4);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big");
    let file = std::fs::File::create(&path).unwrap();
    // Only where a file may be larger than its disk space.
    if file.set_len(1 << 40).is_err() {
        return;
    }
    let text = load(&path, &graph.tensors).unwrap_err().to_string();
    assert!(text.contains("1099511627776 bytes") && text.contains("weights file of this model"), "{text}");
    std::os::unix::fs::FileExt::write_all_at(&file, b"<html>", 0).unwrap();
    assert!(load(&path, &graph.tensors).unwrap_err().to_string().contains("a web page"));
}
