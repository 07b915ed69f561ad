//! Wrong requests: exit status 2, one message that says what and where, nothing printed, nothing written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::common::*;

/// Runs a command that is refused; every word is in its one message, and `out` isn't made.
fn refused(mut command: std::process::Command, out: &Path, words: &[&str]) {
    let output = command.output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
    assert!(output.stdout.is_empty(), "{command:?} printed");
    // Warnings (no adapter) come before the error.
    assert_eq!(text.lines().filter(|line| line.starts_with("error:")).count(), 1, "{text}");
    assert!(words.iter().all(|word| text.contains(word)), "expected {words:?} in: {text}");
    assert!(!out.exists(), "{} was made", out.display());
}

fn refused_run(place: &Place, sets: &[&str], words: &[&str]) {
    refused(place.command("out", sets), &place.path("out"), words);
}

#[test]
fn config_keys_and_values() {
    let place = Place::new();
    let cases: [(&[&str], &[&str]); 15] = [
        (&["zo.epsilom=0.1"], &["zo.epsilom", "zo.epsilon"]),
        (&["warmpu.rounds=1"], &["warmpu", "warmup"]),
        (&["zo.tau=0"], &["zo.tau", "0"]),
        (&["zo.epsilon=-1e-3"], &["zo.epsilon", "-0.001"]),
        (&["zo.epsilon=1e-50"], &["zo.epsilon"]),
        (&["zo.lr=nan"], &["zo.lr"]),
        (&["split.alpha=0"], &["split.alpha", "0"]),
        (&["split.high_share=0"], &["split.high_share"]),
        (&["split.high_share=1.5"], &["split.high_share"]),
        (&["split.clients=5000"], &["clients", "5000", "200"]),
        (&["zo.probes=0"], &["zo.probes"]),
        (&["zo.distribution=levy"], &["zo.distribution", "levy", "rademacher"]),
        (&["device.memory_budget=lots"], &["device.memory_budget", "lots"]),
        (&["model.input=63"], &["63", "64"]),
        (&["warmup.rounds=many"], &["warmup.rounds", "many"]),
    ];
    for (sets, words) in cases {
        refused_run(&place, sets, words);
    }
    let digits = |model: &str| {
        let text = format!("[data]\nname = \"digits\"\n[model]\n{model}\n");
        fs::write(place.path("small.toml"), text).unwrap();
    };
    digits("kind = \"resnet\"\nwidth = 6\ngroups = 4");
    refused_run(&place, &[], &["bn1", "6 channels", "4 groups"]);
    digits("kind = \"vit\"\npatch = 3");
    refused_run(&place, &[], &["patch_embed", "3 x 3", "[1, 8, 8]"]);
    digits("kind = \"resnet\"\nwidth = 2\n[zo]\nnorm_statistics = \"refreshed\"");
    refused_run(&place, &[], &["zo.norm_statistics", "model.norm"]);
    fs::write(place.path("small.toml"), "[zo]\nrounds = 3\nprobse = 4\n").unwrap();
    refused_run(&place, &[], &["small.toml", "probse", "probes"]);
    fs::write(place.path("small.toml"), "[zo\n").unwrap();
    refused_run(&place, &[], &["small.toml"]);
}

#[test]
fn devices_and_memory() {
    let place = Place::new();
    let mut command = place.command("out", &[]);
    command.args(["--device", "no such adapter"]);
    refused(command, &place.path("out"), &["no such adapter", "reference"]);
    let mut command = place.command("out", &[]);
    command.env("ZOWARMUP_DEVICE", "no such adapter");
    refused(command, &place.path("out"), &["no such adapter", "reference"]);
    // Too small for the weights; for a round's buffers.
    refused_run(&place, &["device.memory_budget=4KiB"], &["device.memory_budget", "weights"]);
    refused_run(&place, &["device.memory_budget=40KiB"], &["device.memory_budget"]);
    // An empty folder that was there before may stay, but nothing is in it.
    let out = place.path("there");
    fs::create_dir(&out).unwrap();
    let output = place.command("there", &["device.memory_budget=40KiB"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(!out.exists() || fs::read_dir(&out).unwrap().count() == 0);
}

#[test]
fn folders() {
    let place = Place::new();
    let dir = place.path("run");
    copy_folder(finished(), &dir);
    let nothing = place.path("nothing");
    refused(place.command("run", &[]), &nothing, &["run", "not empty"]);
    assert_same(finished(), &dir);
    fs::write(place.path("file"), b"mine").unwrap();
    refused(place.command("file", &[]), &nothing, &["file"]);
    assert_eq!(fs::read(place.path("file")).unwrap(), b"mine");
    for (name, word) in [("nothing", "nothing"), ("file", "file"), ("", "config.toml")] {
        let mut command = zowarmup();
        command.arg("resume").arg(place.path(name));
        refused(command, &nothing, &[word]);
    }
    fs::remove_file(dir.join("summary.json")).unwrap();
    let text = fs::read_to_string(dir.join("ledger.jsonl")).unwrap().replacen("\"q\"", "\"w\"", 3);
    fs::write(dir.join("ledger.jsonl"), text).unwrap();
    let mut command = zowarmup();
    command.arg("resume").arg(&dir);
    refused(command, &nothing, &["ledger.jsonl", "line 2"]);
}

#[test]
fn weights_files() {
    let place = Place::new();
    let good = tensors(&finished().join("final.safetensors"));
    let path = place.path("bad.safetensors");
    let write = |edit: &dyn Fn(&mut Vec<Tensor>)| {
        let mut list = good.clone();
        edit(&mut list);
        write_tensors(&path, &list);
    };
    let set = format!("model.weights={}", path.display());
    let check = |words: &[&str]| {
        let words: Vec<&str> = words.iter().chain(&["bad.safetensors"]).copied().collect();
        refused_run(&place, &[&set], &words);
        let mut command = zowarmup();
        command.args(["eval", "--json", "--weights"]).arg(&path).arg("--config").arg(place.path("small.toml"));
        refused(command, &place.path("out"), &words);
    };
    write(&|l| drop(l.remove(0)));
    check(&["layers.0.bias", "missing"]);
    write(&|l| l.push(("layers.2.bias".to_owned(), vec![1], vec![0.0])));
    check(&["layers.2.bias"]);
    write(&|l| l[1].1.reverse());
    check(&["layers.0.weight", "[16, 64]", "[64, 16]"]);
    write(&|l| l[0].2[3] = f32::NAN);
    check(&["layers.0.bias", "NaN"]);
    write(&|_| {});
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 4]).unwrap();
    check(&["4 are missing at the end"]);
    fs::write(&path, b"no").unwrap();
    check(&[]);
    fs::remove_file(&path).unwrap();
    check(&[]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file: magic number, sizes, bytes.
fn idx(magic: u32, sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let words = [magic].into_iter().chain(sizes.iter().copied());
    words.flat_map(u32::to_be_bytes).chain(data.iter().copied()).collect()
}

/// A folder with a gzipped set of 40 training and 20 test images of 4 x 4.
fn idx_folder(place: &Place, name: &str) -> PathBuf {
    let folder = place.path(name);
    fs::create_dir(&folder).unwrap();
    for (part, n) in [("train", 40u32), ("t10k", 20)] {
        let pixels: Vec<u8> = (0..n * 16).map(|i| (i * 37 % 251) as u8).collect();
        let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte.gz")), gzip(&idx(0x803, &[n, 4, 4], &pixels))).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte.gz")), gzip(&idx(0x801, &[n], &labels))).unwrap();
    }
    folder
}

#[test]
fn idx_files() {
    let place = Place::new();
    let common =
        ["data.name=idx", "data.train_limit=0", "split.clients=4", "split.kind=iid", "zo.rounds=1", "warmup.rounds=1"];
    let sets = |folder: &Path| {
        let path = format!("data.path={}", folder.display());
        common.iter().map(|s| (*s).to_owned()).chain([path]).collect::<Vec<_>>()
    };
    let good = idx_folder(&place, "good");
    let list = sets(&good);
    place.run("good-run", &list.iter().map(String::as_str).collect::<Vec<_>>());
    let images = idx(0x803, &[40, 4, 4], &[7; 640]);
    let whole = gzip(&images);
    let train_images = "train-images-idx3-ubyte.gz";
    let train_labels = "train-labels-idx1-ubyte.gz";
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        (train_images, whole[..whole.len() / 2].to_vec(), &[train_images]),
        (train_images, gzip(&images[..600]), &[train_images, "600"]),
        (train_images, gzip(&[&images[..], &[0]].concat()), &[train_images]),
        (train_images, gzip(&idx(0x801, &[40, 4, 4], &[7; 640])), &[train_images, "magic"]),
        (train_images, gzip(&idx(0x803, &[41, 4, 4], &[7; 656])), &["41", "40"]),
        (train_labels, gzip(&idx(0x801, &[40], &[1; 12])), &[train_labels]),
    ];
    for (i, (file, bytes, words)) in cases.into_iter().enumerate() {
        let folder = idx_folder(&place, &i.to_string());
        fs::write(folder.join(file), bytes).unwrap();
        let list = sets(&folder);
        refused_run(&place, &list.iter().map(String::as_str).collect::<Vec<_>>(), words);
    }
    fs::remove_file(good.join(train_labels)).unwrap();
    refused_run(&place, &list.iter().map(String::as_str).collect::<Vec<_>>(), &["train-labels"]);
}

#[test]
fn cifar_files() {
    let place = Place::new();
    let record = |label: u8| [&[label][..], &[9; 3072]].concat();
    let folder = place.path("cifar");
    fs::create_dir(&folder).unwrap();
    let path = format!("data.path={}", folder.display());
    let sets = ["data.name=cifar10", "data.train_limit=0", "split.clients=2", &path];
    let batch: Vec<u8> = (0..12).flat_map(|i| record(i % 10)).collect();
    refused_run(&place, &sets, &["cifar"]);
    fs::write(folder.join("data_batch_1.bin"), &batch).unwrap();
    refused_run(&place, &sets, &["test_batch.bin"]);
    for (bytes, words) in [
        (batch[..batch.len() - 1].to_vec(), vec!["test_batch.bin", "3073"]),
        ([&batch[..], &[0; 5]].concat(), vec!["test_batch.bin", "3073"]),
        ([&batch[..], &record(10)].concat(), vec!["test_batch.bin", "12", "label 10", "0 to 9"]),
        (Vec::new(), vec!["test_batch.bin"]),
    ] {
        fs::write(folder.join("test_batch.bin"), bytes).unwrap();
        refused_run(&place, &sets, &words);
    }
}

#[test]
fn golden_files() {
    let place = Place::new();
    // One that could be done doesn't make up for one that can't.
    let mut command = zowarmup();
    command.arg("verify").arg(golden("mlp.safetensors")).arg(golden("replay-small/base.safetensors")).arg("--json");
    refused(command, &place.path("out"), &["base.safetensors", "metadata `model`"]);
    let bytes = fs::read(golden("mlp.safetensors")).unwrap();
    let path = place.path("cut.safetensors");
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let mut command = zowarmup();
    command.arg("verify").arg(&path);
    refused(command, &place.path("out"), &["cut.safetensors"]);
}

/// The library that reads Parquet panics at some damaged files: nobody is told but by the one message.
#[cfg(feature = "parquet")]
#[test]
fn a_damaged_parquet_file_is_one_message() {
    let place = Place::new();
    let good = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/flowers.parquet")).unwrap();
    let path = place.path("x.parquet");
    let mut refused = 0;
    // Pages and their headers.
    for at in (60..520).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, bad).unwrap();
        let output = zowarmup().args(["data", "check", "--set", "data.client=user"]).arg(&path).output().unwrap();
        let text = stderr(&output);
        let told = output.status.success() || text.starts_with("error: ") && text.lines().count() == 1;
        assert!(told && !text.contains("panicked"), "byte {at}: {text}");
        refused += usize::from(!output.status.success());
    }
    assert!(refused > 20, "{refused}");
}
