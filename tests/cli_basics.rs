//! The command line without a device: version, configs, wrong requests.

use std::fs;

use assert_cmd::Command;

fn zowarmup() -> Command {
    let mut command = Command::cargo_bin("zowarmup").unwrap();
    command.env_remove("ZOWARMUP_DEVICE").env_remove("ZOWARMUP_LOG");
    command
}

/// Runs a request that is wrong and returns its one message.
fn refused(args: &[&str]) -> String {
    let output = zowarmup().args(args).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert!(output.stdout.is_empty(), "{args:?} printed to standard output");
    text
}

#[test]
fn version_names_the_commit() {
    let output = zowarmup().arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.starts_with(concat!("zowarmup ", env!("CARGO_PKG_VERSION"), " (commit ")), "{text}");
}

#[test]
fn help_is_a_result_and_usage_errors_are_not() {
    assert!(zowarmup().arg("--help").output().unwrap().status.success());
    refused(&[]);
    refused(&["nonsense"]);
    refused(&["verify"]);
    refused(&["stream", "--seed", "xyz", "--distribution", "rademacher", "--start", "0", "--count", "4"]);
    refused(&["stream", "--seed", "1", "--distribution", "sphere", "--start", "0", "--count", "4"]);
}

#[test]
fn the_printed_config_loads_and_prints_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let print = |args: &[&str]| {
        let output = zowarmup().arg("config").args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let commented = print(&[]);
    assert!(commented.contains('#') && commented.contains("[warmup]"));
    let path = dir.path().join("config.toml");
    let file = path.to_str().unwrap();
    fs::write(&path, &commented).unwrap();
    let complete = print(&[file]);
    fs::write(&path, &complete).unwrap();
    assert_eq!(print(&[file]), complete);
    assert!(print(&[file, "--set", "zo.lr=0.25"]).contains("0.25"));
    let json: serde_json::Value = serde_json::from_str(&print(&["--json", "--set", "split.clients=7"])).unwrap();
    assert_eq!(json["split"]["clients"], 7);
}

#[test]
fn wrong_requests_are_named() {
    let text = refused(&["config", "--set", "zo.prbes=3"]);
    assert!(text.starts_with("error: ") && text.contains("zo.prbes") && text.contains("zo.probes"), "{text}");
    let text = refused(&["config", "nowhere.toml"]);
    assert!(text.contains("nowhere.toml"), "{text}");
    let text = refused(&["run", "--set", "split.alpha=-1", "--json"]);
    assert!(text.contains("split.alpha"), "{text}");
    let text = refused(&["devices", "--device", "no such adapter"]);
    assert!(text.contains("no such adapter") && text.contains("reference"), "{text}");
    let stream = ["stream", "--seed", "1", "--distribution", "uniform", "--start", "0", "--count", "4"];
    refused(&[&stream[..], &["--device", "no such adapter"]].concat());
}

#[test]
fn the_reference_device_is_listed_last() {
    let output = zowarmup().args(["devices", "--json", "--device", "reference"]).output().unwrap();
    assert!(output.status.success());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let adapters = json["adapters"].as_array().unwrap();
    let last = adapters.last().unwrap();
    assert_eq!((last["backend"].as_str(), last["picked"].as_bool()), (Some("reference"), Some(true)));
    assert!(adapters.iter().enumerate().all(|(i, a)| a["index"] == i && a["limits"].is_object()));
    assert_eq!(adapters.iter().filter(|a| a["picked"] == true).count(), 1);
}

#[test]
fn the_stream_of_the_reference_device_is_the_published_one() {
    let dir = tempfile::tempdir().unwrap();
    let dump = dir.path().join("elements.f32");
    let args = ["--seed", "0x2a", "--distribution", "uniform", "--start", "18446744073709551614", "--count", "5"];
    let output = zowarmup()
        .arg("stream")
        .args(args)
        .args(["--device", "reference", "--json", "--dump"])
        .arg(&dump)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["seed"].as_str(), json["start"].as_u64()), (Some("000000000000002a"), Some(u64::MAX - 1)));
    let mut expected = [0f32; 5];
    zowarmup::stream::fill(zowarmup::stream::Distribution::Uniform, 0x2a, u64::MAX - 1, &mut expected);
    let values: Vec<f64> = json["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(values, expected.map(f64::from));
    let bytes: Vec<u8> = expected.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(fs::read(&dump).unwrap(), bytes);
}

#[test]
fn flavours_that_do_not_exist_are_refused_by_name() {
    for (variable, expected) in
        [("ZOWARMUP_TIER", "core or subgroup"), ("ZOWARMUP_TEXELS", "0 or 1"), ("ZOWARMUP_LAYOUT", "first or last")]
    {
        for command in [
            &["devices"][..],
            &["stream", "--seed", "1", "--distribution", "uniform", "--start", "0", "--count", "4"][..],
        ] {
            let output = zowarmup().args(command).env(variable, "bogus").output().unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command:?}: {text}");
            assert!(text.contains(&format!("{variable}: expected {expected}, found \"bogus\"")), "{text}");
        }
    }
}

#[test]
fn the_twins_are_found_by_each_of_their_names() {
    for name in ["reference", "CPU twins", "cpu TWINS"] {
        let request = ["stream", "--seed", "1", "--distribution", "uniform", "--start", "0", "--count", "4", "--json"];
        let output = zowarmup().args(request).args(["--device", name]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8(output.stdout).unwrap().contains("CPU twins"), "{name}");
    }
}

#[test]
fn names_of_other_systems_are_told_what_they_are_here() {
    let text = refused(&["train", "config.toml"]);
    // And not the command whose name looks like it.
    assert!(text.contains("`zowarmup run`") && !text.contains("'stream'"), "{text}");
    assert!(refused(&["resme"]).contains("resume"), "near names are still offered");
    let text = refused(&["run", "--lr", "0.1"]);
    assert!(["warmup.client_lr", "zo.lr", "--set"].iter().all(|word| text.contains(word)), "{text}");
    assert!(refused(&["run", "--num-clients=3"]).contains("split.clients"));
    assert!(refused(&["run", "--zo.lr=0.1"]).contains("--set zo.lr=VALUE"));
    let text = refused(&["config", "--set", "zo.batch_size=3"]);
    assert!(text.contains("unknown key `zo.batch_size`; it is called `zo.batch` here"), "{text}");
    assert!(refused(&["config", "--set", "fraction_fit=0.1"]).contains("warmup.participation"));
}

#[test]
fn shells_get_their_completions_and_files_are_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = zowarmup().args(["completions", shell]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}");
        assert!(["watch", "time-limit"].iter().all(|word| text.contains(word)), "{shell}: {text}");
    }
    let path = dir.path().join("zowarmup.bash");
    let file = path.to_str().unwrap();
    assert!(zowarmup().args(["completions", "bash", "--out", file]).output().unwrap().status.success());
    // Where there is a bash, it can read it.
    if let Ok(output) = std::process::Command::new("bash").args(["-n", file]).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    fs::write(&path, "mine").unwrap();
    assert!(refused(&["completions", "bash", "--out", file]).contains("--force"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert!(zowarmup().args(["completions", "bash", "--out", file, "--force"]).output().unwrap().status.success());
    assert_ne!(fs::read_to_string(&path).unwrap(), "mine");
    assert!(refused(&["completions", "tcsh"]).contains("zsh"));
}

#[test]
fn manual_pages_are_written_all_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("share/man1");
    let folder = pages.to_str().unwrap();
    let output = zowarmup().args(["man", folder]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count = fs::read_dir(&pages).unwrap().count();
    assert!(count > 20, "{count} pages");
    let run = fs::read_to_string(pages.join("zowarmup-run.1")).unwrap();
    assert!(run.contains(".TH zowarmup-run 1") && run.replace("\\-", "-").contains("--time-limit"), "{run}");
    assert!(pages.join("zowarmup-data-check.1").exists());
    // One that is there keeps all others from being written.
    fs::remove_file(pages.join("zowarmup.1")).unwrap();
    fs::write(pages.join("zowarmup-run.1"), "mine").unwrap();
    let text = refused(&["man", folder]);
    assert!(text.contains("--force") && !pages.join("zowarmup.1").exists(), "{text}");
    assert_eq!(fs::read_to_string(pages.join("zowarmup-run.1")).unwrap(), "mine");
    assert!(zowarmup().args(["man", folder, "--force"]).output().unwrap().status.success());
    assert!(fs::read_to_string(pages.join("zowarmup-run.1")).unwrap() == run && pages.join("zowarmup.1").exists());
}

#[test]
fn a_data_set_that_is_not_there_is_told_with_its_files_and_page() {
    let dir = tempfile::tempdir().unwrap();
    let path = format!("data.path={}", dir.path().join("nothing").display());
    let empty = format!("data.path={}", dir.path().display());
    for (name, words) in [
        ("cifar10", &["data_batch_1.bin", "data_batch_5.bin", "test_batch.bin", "CIFAR-10"][..]),
        ("cifar100", &["train.bin", "test.bin", "CIFAR-100"]),
        ("idx", &["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "Fashion-MNIST"]),
        ("npz", &["an .npz file", "arrays x and y"]),
        ("safetensors", &["tensors x and y"]),
        ("images", &["a folder of images for each class"]),
        ("csv", &["label column"]),
    ] {
        let set = format!("data.name={name}");
        let nowhere = refused(&["run", "--set", &set]);
        words
            .iter()
            .chain(&["data.path", "docs/data.md"])
            .for_each(|word| assert!(nowhere.contains(word), "{nowhere}"));
        let text =
            refused(&["run", "--set", &set, "--set", &path, "--set", "model.kind=mlp", "--set", "model.hidden=[4]"]);
        for word in words.iter().chain(&["nothing", "docs/data.md", name]) {
            assert!(text.contains(word), "{name}: {word} in {text}");
        }
        if ["cifar10", "cifar100", "idx"].contains(&name) {
            let text = refused(&["data", "check", "configs/digits.toml", "--set", &set, "--set", &empty]);
            words.iter().for_each(|word| assert!(text.contains(word), "{name}: {word} in {text}"));
        }
    }
}
