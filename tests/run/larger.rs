//! Runs on samples that take more memory than a device has: they come with each batch, and no bit of a run tells.

use std::path::{Path, PathBuf};

use super::common::*;

const TRAIN: usize = 1200;
const TEST: usize = 240;
/// 3 x 16 x 16 pixels.
const AREA: usize = 768;

/// A safetensors file of colour images, in bytes or in f32.
fn data(place: &Place, floats: bool) -> PathBuf {
    let (path, width) = (place.path("images.safetensors"), if floats { 4 } else { 1 });
    let (x, x_test) = (TRAIN * AREA * width, TEST * AREA * width);
    let kind = if floats { "F32" } else { "U8" };
    let mut end = 0;
    let mut tensor = |name: &str, dtype: &str, shape: &str, bytes: usize| {
        end += bytes;
        format!(r#""{name}":{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{},{end}]}}"#, end - bytes)
    };
    let header = [
        tensor("x", kind, &format!("{TRAIN},3,16,16"), x),
        tensor("x_test", kind, &format!("{TEST},3,16,16"), x_test),
        tensor("y", "U8", &TRAIN.to_string(), TRAIN),
        tensor("y_test", "U8", &TEST.to_string(), TEST),
    ];
    let header = format!("{{{}}}", header.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    for sample in 0..TRAIN + TEST {
        for pixel in 0..AREA {
            // Brighter by class, with a grain.
            let value = (20 * (sample % 10) + ((sample * 31) ^ (pixel * 7)) % 53) as u8;
            if floats { bytes.extend((f32::from(value) / 64.0).to_le_bytes()) } else { bytes.push(value) }
        }
    }
    bytes.extend((0..TRAIN).chain(TRAIN..TRAIN + TEST).map(|sample| (sample % 10) as u8));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A run without a budget and one within `budget`, which is less than the samples take, leave the same bits.
fn same_within(budget: &str, floats: bool, more: &[&str]) {
    let place = Place::new();
    let path = format!("data.path={}", data(&place, floats).display());
    let few = ["zo.rounds=2", "warmup.rounds=2", "zo.probes=1", "eval.every=2", "model.hidden=[4]"];
    let own = ["data.name=safetensors", path.as_str(), "data.train_limit=0", "data.test_limit=0", "zo.lr=0.01"];
    let sets = [&own[..], &few, more].concat();
    let free = place.run("free", &sets);
    let budget = format!("device.memory_budget={budget}");
    let output = place.command("within", &[&sets[..], &[&budget]].concat()).output().unwrap();
    let told = stderr(&output);
    assert!(output.status.success(), "{more:?}: {told}");
    assert!(told.contains("training samples lie on the device") && told.contains("of 1200"), "{told}");
    assert_same(&free, &place.path("within"));
    assert_digests(&free, &place.path("within"));
}

/// The manifests name the same samples.
fn assert_digests(a: &Path, b: &Path) {
    assert_eq!(json(&a.join("manifest.json"))["data"], json(&b.join("manifest.json"))["data"]);
}

#[test]
fn bytes_that_are_moved_and_floats() {
    same_within("700KiB", false, &["data.augment=cifar"]);
    same_within("2MiB", true, &[]);
}

#[test]
fn local_steps_and_sub_networks() {
    same_within("700KiB", false, &["zo.local_steps=2"]);
    same_within("700KiB", false, &["warmup.algorithm=heterofl", "zo.rounds=0"]);
}
