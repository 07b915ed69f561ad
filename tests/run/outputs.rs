//! What commands print with `--json`: one object, these keys.

use serde_json::Value;

use super::common::*;

fn object(args: &[&str], status: i32) -> Value {
    let output = zowarmup().args(args).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn eval_agrees_with_the_run() {
    let run = finished();
    let (weights, config) = (run.join("final.safetensors"), run.join("config.toml"));
    let scores = object(&["eval", "--weights", weights.to_str().unwrap(), "--config", config.to_str().unwrap()], 0);
    assert_eq!(keys(&scores), ["loss", "accuracy", "samples", "per_class"]);
    let summary = summary(run);
    assert_eq!((&scores["loss"], &scores["accuracy"]), (&summary["final_loss"], &summary["final_accuracy"]));
    assert_eq!(scores["samples"], 100);
    let classes = scores["per_class"].as_array().unwrap();
    assert!(classes.len() == 10 && classes.iter().all(|c| keys(c) == ["class", "samples", "accuracy"]));
    assert!(classes.iter().enumerate().all(|(i, c)| c["class"] == i && c["samples"] == 10));
    let mean = classes.iter().map(|c| c["accuracy"].as_f64().unwrap()).sum::<f64>() / 10.0;
    assert!((mean - scores["accuracy"].as_f64().unwrap()).abs() < 1e-12);
}

#[test]
fn a_run_prints_its_summary() {
    let place = Place::new();
    let (dir, printed) = place.run_to("run", &["zo.rounds=1", "warmup.rounds=1"], 0);
    assert_eq!(printed, json(&dir.join("summary.json")));
    let expected = [
        "dir",
        "version",
        "schema",
        "status",
        "adapter",
        "seconds",
        "rounds",
        "pivot_accuracy",
        "final_accuracy",
        "best_accuracy",
        "uplink_bytes",
        "downlink_bytes",
        "params",
        "fingerprint",
    ];
    assert!(expected.iter().all(|key| printed.get(key).is_some()), "{printed}");
    assert_eq!(printed["dir"].as_str(), dir.to_str());
}

#[test]
fn verify_passes_on_the_golden_files() {
    let files =
        ["mlp", "cnn-1x28x28", "cnn-3x32x32", "sequential", "sequential-norm"].map(|f| format!("{f}.safetensors"));
    let spsa = ["spsa-mlp.json", "spsa-cnn.json"].map(str::to_owned);
    let paths: Vec<String> = files.iter().chain(&spsa).map(|f| golden(f).to_str().unwrap().to_owned()).collect();
    let args: Vec<&str> = ["verify"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let report = object(&args, 0);
    assert_eq!(keys(&report), ["device", "files", "passed"]);
    assert_eq!(report["passed"], true);
    let kinds = ["mlp", "cnn", "cnn", "sequential", "sequential", "mlp", "cnn"];
    for ((file, path), kind) in report["files"].as_array().unwrap().iter().zip(&paths).zip(kinds) {
        assert_eq!(keys(file), ["file", "kind", "passed", "tensors"]);
        assert_eq!((file["file"].as_str(), file["kind"].as_str()), (Some(path.as_str()), Some(kind)));
        let tensors = file["tensors"].as_array().unwrap();
        assert!(tensors.len() >= 3 && tensors.iter().all(|t| keys(t) == ["name", "error", "tolerance"]));
        assert!(tensors.iter().all(|t| t["error"].as_f64() <= t["tolerance"].as_f64()));
    }
    let cases = report["files"][5]["tensors"].as_array().unwrap();
    assert!(cases.iter().any(|t| t["name"] == "rademacher 0.01"), "{cases:?}");
}

#[test]
fn a_golden_file_that_disagrees_fails() {
    let place = Place::new();
    let bytes = std::fs::read(golden("mlp.safetensors")).unwrap();
    let at = zowarmup::golden::PassGolden::read(&golden("mlp.safetensors")).unwrap().loss.to_le_bytes();
    // The loss, one percent off, wherever its four bytes lie in the file.
    let wrong = (f32::from_le_bytes(at) * 1.01).to_le_bytes();
    let position = bytes.windows(4).rposition(|w| w == at).unwrap();
    let mut changed = bytes.clone();
    changed[position..position + 4].copy_from_slice(&wrong);
    let path = place.path("mlp.safetensors");
    std::fs::write(&path, changed).unwrap();
    let report = object(&["verify", path.to_str().unwrap(), "--device", "reference"], 1);
    assert_eq!((&report["passed"], &report["files"][0]["passed"]), (&false.into(), &false.into()));
}

#[test]
fn the_stream_is_the_golden_one() {
    for name in ["rademacher", "binomial", "gaussian", "uniform"] {
        let golden = json(&golden(&format!("stream-{name}.json")));
        for case in golden["cases"].as_array().unwrap().iter().take(2) {
            let (seed, start) = (case["seed"].as_str().unwrap(), case["start"].as_u64().unwrap());
            let expected = case["elements"].as_array().unwrap();
            let (start_text, count) = (start.to_string(), expected.len().to_string());
            let args = ["stream", "--seed", seed, "--distribution", name, "--start", &start_text, "--count", &count];
            let elements = object(&args, 0);
            assert_eq!(keys(&elements), ["device", "distribution", "seed", "start", "values"]);
            assert_eq!((elements["seed"].as_str(), elements["start"].as_u64()), (Some(seed), Some(start)));
            let values = elements["values"].as_array().unwrap();
            assert_eq!(values.len(), expected.len());
            for (i, (value, expected)) in values.iter().zip(expected).enumerate() {
                let (value, expected) = (value.as_f64().unwrap(), expected.as_f64().unwrap());
                let tolerance = if name == "gaussian" { 1e-5 * (1.0 + expected.abs()) } else { 0.0 };
                assert!((value - expected).abs() <= tolerance, "{name} {i}: {value} for {expected}");
            }
        }
    }
}

#[test]
fn devices_and_selftest_say_what_they_are() {
    let devices = object(&["devices"], 0);
    assert_eq!(keys(&devices), ["adapters"]);
    let expected = ["index", "name", "backend", "driver", "type", "tier", "picked", "limits", "features"];
    let adapters = devices["adapters"].as_array().unwrap();
    assert!(!adapters.is_empty() && adapters.iter().all(|a| keys(a) == expected));
    // On the twins: the adapter's cases are the test of `kernels`.
    let report = object(&["selftest", "--device", "reference"], 0);
    assert_eq!(report["passed"], true);
    assert!(["adapter", "checks", "passed"].iter().all(|key| report.get(key).is_some()));
    assert_eq!(keys(&report["adapter"]), ["name", "backend", "driver", "tier"]);
    assert!(adapters.iter().any(|a| a["picked"] == true));
    assert_eq!(report["adapter"]["name"], adapters[adapters.len() - 1]["name"]);
    for check in report["checks"].as_array().unwrap() {
        assert!(["name", "passed", "error", "tolerance"].iter().all(|key| check.get(key).is_some()), "{check}");
        assert_eq!(check["passed"], true, "{check}");
    }
}

#[test]
fn costs_are_those_of_the_run() {
    let run = finished();
    let cost = object(&["cost", run.join("config.toml").to_str().unwrap()], 0);
    assert_eq!(keys(&cost), ["params", "warmup", "zo", "pivot_bytes", "total", "disk_bytes"]);
    let summary = summary(run);
    for key in ["uplink_bytes", "downlink_bytes"] {
        assert_eq!(cost["total"][key], summary[key], "{key}");
    }
    let phase = |name: &str, key: &str| cost[name][key].as_u64().unwrap();
    assert_eq!((cost["params"].as_u64(), cost["pivot_bytes"].as_u64()), (Some(PARAMS), Some(4 * PARAMS)));
    assert_eq!((phase("warmup", "uplink_bytes"), phase("warmup", "downlink_bytes")), (4 * PARAMS, 4 * PARAMS));
    // Six clients of two probes: two numbers up; two seeds down, then all twelve seeds and numbers.
    assert_eq!((phase("zo", "uplink_bytes"), phase("zo", "downlink_bytes")), (8, 16 + 12 * 12));
    assert_eq!((phase("zo", "formula_uplink_bytes"), phase("zo", "formula_downlink_bytes")), (8, 48));
    // Batches of 16 and clients of 33 samples; 16 hidden values and 10 logits.
    assert_eq!(phase("warmup", "formula_memory_bytes"), 8 * PARAMS + 4 * 16 * 26);
    assert_eq!(phase("zo", "formula_memory_bytes"), 8 * PARAMS + 4 * 33 * 16);
    assert!(phase("zo", "device_bytes") > 4 * PARAMS && phase("warmup", "device_bytes") > 3 * 4 * PARAMS);
}

#[test]
fn costs_of_a_set_that_is_not_at_hand_are_counted_with_its_sizes() {
    let place = Place::new();
    let text = "[data]\nname = \"cifar10\"\npath = \"nowhere\"\n[model]\nkind = \"resnet\"\nwidth = 4\n[split]\nclients = 500\n";
    std::fs::write(place.path("cifar.toml"), text).unwrap();
    let cost = object(&["cost", place.path("cifar.toml").to_str().unwrap(), "--device", "reference"], 0);
    // 100 samples a client; the largest activation is 4 x 32 x 32.
    let params = cost["params"].as_u64().unwrap();
    assert_eq!(cost["zo"]["formula_memory_bytes"], 8 * params + 4 * 100 * 4096);
}
