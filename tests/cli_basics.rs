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
