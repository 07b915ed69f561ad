//! What a run's bits follow from may not change between its processes; what they don't follow from may.

use std::fs;
use std::path::{Path, PathBuf};

use super::common::*;

/// Replaces a line `key = ...` of a run's config.
fn edit(dir: &Path, section: &str, key: &str, value: &str) {
    let path = dir.join("config.toml");
    let mut table: toml::Table = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let value: toml::Table = toml::from_str(&format!("value = {value}")).unwrap();
    let target = if section.is_empty() { &mut table } else { table[section].as_table_mut().unwrap() };
    target.insert(key.to_owned(), value["value"].clone());
    fs::write(path, table.to_string()).unwrap();
}

#[test]
fn a_config_edited_in_between_is_refused_by_its_key() {
    let place = Place::new();
    let dir = stopped(&place, "run", &[], 5);
    let cases = [
        ("zo", "distribution", "\"binomial\"", "rademacher"),
        ("zo", "lr", "0.06", "0.05"),
        ("zo", "rounds", "8", "9"),
        ("split", "clients", "4", "6"),
        ("data", "mean", "[0.5]", "0"),
        ("eval", "every", "3", "2"),
        ("", "name", "\"other\"", "small"),
        ("", "seed", "12", ""),
    ];
    for (section, key, value, began) in cases {
        let copy = place.path("copy");
        let _ = fs::remove_dir_all(&copy);
        copy_folder(&dir, &copy);
        edit(&copy, section, key, value);
        if section == "data" {
            edit(&copy, section, "std", "[1.0]");
        }
        let text = resumed(&copy, &[]).unwrap_err().to_string();
        assert!(["config.toml", key, began].iter().all(|word| text.contains(word)), "{key}: {text}");
    }
    edit(&dir, "device", "memory_budget", "\"1MiB\"");
    edit(&dir, "device", "select", "\"no such adapter\"");
    assert_eq!(resumed(&dir, &[]).unwrap().rounds as usize, ROUNDS);
}

/// An IDX file: magic number, sizes, bytes.
fn idx(magic: u32, sizes: &[u32], data: &[u8]) -> Vec<u8> {
    [magic].into_iter().chain(sizes.iter().copied()).flat_map(u32::to_be_bytes).chain(data.iter().copied()).collect()
}

/// A folder with 40 training and 20 test images of 4 x 4.
fn images(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (part, n) in [("train", 40u32), ("t10k", 20)] {
        let pixels: Vec<u8> = (0..n * 16).map(|i| (i * 37 % 251) as u8).collect();
        let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), idx(0x803, &[n, 4, 4], &pixels)).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(0x801, &[n], &labels)).unwrap();
    }
}

const IMAGES: [&str; 5] =
    ["data.name=idx", "data.train_limit=0", "split.clients=4", "split.kind=iid", "model.hidden=[3]"];

fn with_path(path: &str) -> Vec<&str> {
    IMAGES.iter().copied().chain([path]).collect()
}

#[test]
fn other_samples_are_refused_and_the_same_ones_may_lie_elsewhere() {
    let place = Place::new();
    let data = place.path("data/mnist");
    images(&data);
    let path = format!("data.path={}", data.display());
    let whole = place.path("whole");
    let config = config(&place, &with_path(&path));
    zowarmup::fed::run::start(&config, Some(&whole), &twins(), &mut zowarmup::fed::observer::Silent).unwrap();
    let text = fs::read_to_string(whole.join("config.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(table["data"]["mean"].as_array().unwrap()[0].as_float(), Some(0.1307), "{text}");
    assert_eq!(table["data"]["std"].as_array().unwrap()[0].as_float(), Some(0.3081), "{text}");

    let dir = stopped(&place, "run", &with_path(&path), 5);
    let copy = |name: &str| -> PathBuf {
        let copy = place.path(name);
        copy_folder(&dir, &copy);
        copy
    };
    for (file, word, at) in [
        ("train-images-idx3-ubyte", "training samples", 16 + 100),
        ("train-labels-idx1-ubyte", "training samples", 8 + 3),
        ("t10k-images-idx3-ubyte", "test samples", 16 + 5),
        ("t10k-labels-idx1-ubyte", "test samples", 8 + 1),
    ] {
        let bytes = fs::read(data.join(file)).unwrap();
        let mut other = bytes.clone();
        other[at] = (other[at] + 1) % 10;
        fs::write(data.join(file), other).unwrap();
        let text = resumed(&copy(file), &[]).unwrap_err().to_string();
        assert!(text.contains("mnist") && text.contains(word), "{text}");
        fs::write(data.join(file), bytes).unwrap();
    }
    // A name that means another normalisation to who guesses.
    let fashion = place.path("data/fashion-mnist");
    fs::rename(&data, &fashion).unwrap();
    assert!(resumed(&copy("nowhere"), &[]).is_err());
    edit(&dir, "data", "path", &format!("{:?}", fashion.display().to_string()));
    resumed(&dir, &[]).unwrap();
    assert_same(&whole, &dir);
}

#[test]
fn what_lies_in_a_runs_folder_is_compared_by_eval() {
    let place = Place::new();
    let dir = place.path("run");
    copy_folder(finished(), &dir);
    let eval = || {
        let mut command = zowarmup();
        command.args(["eval", "--json", "--device", "reference", "--config"]).arg(dir.join("config.toml"));
        command.arg("--weights").arg(dir.join("final.safetensors")).output().unwrap()
    };
    assert_eq!(eval().status.code(), Some(0));
    let weights = fs::read(dir.join("final.safetensors")).unwrap();
    // Another run's weights, whole in themselves.
    fs::copy(dir.join("init.safetensors"), dir.join("final.safetensors")).unwrap();
    let output = eval();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(stderr(&output).contains("final.safetensors"), "{}", stderr(&output));
    let mut flipped = weights.clone();
    flipped[weights.len() - 3] ^= 1;
    fs::write(dir.join("final.safetensors"), flipped).unwrap();
    assert!(stderr(&eval()).contains("final.safetensors"));
    fs::write(dir.join("final.safetensors"), weights).unwrap();
    edit(&dir, "data", "test_limit", "5");
    assert!(stderr(&eval()).contains("data.test_limit"), "{}", stderr(&eval()));
}

#[test]
fn another_adapter_is_a_warning() {
    let place = Place::new();
    let dir = stopped(&place, "run", &[], 5);
    let printed = resume_to(&dir, 0);
    let twins = "CPU twins";
    let warned = printed["warnings"].as_array().unwrap().iter().any(|w| w.as_str().unwrap().contains("went on on"));
    assert_eq!(warned, printed["adapter"] != twins, "{printed}");
    // Its ledger replays all the same.
    let mut replay = zowarmup();
    replay.args(["replay", "--json", "--ledger"]).arg(dir.join("ledger.jsonl"));
    replay.arg("--base").arg(dir.join("pivot.safetensors")).arg("--out").arg(place.path("out"));
    assert_eq!(replay.output().unwrap().status.code(), Some(0));
    assert_eq!(weights(&place.path("out")), weights(&dir.join("final.safetensors")));
}
