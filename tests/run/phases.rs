//! Runs that leave out a phase, clients of unequal sizes, clients that sit out; and what is counted.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::common::*;

const FILES: [&str; 9] = [
    "config.toml",
    "final.safetensors",
    "init.safetensors",
    "ledger.jsonl",
    "manifest.json",
    "metrics.jsonl",
    "pivot.safetensors",
    "split.json",
    "summary.json",
];

fn assert_files(dir: &Path) {
    for file in FILES {
        assert!(dir.join(file).is_file(), "{file} in {}", dir.display());
    }
    let strays = fs::read_dir(dir).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
    let strays: Vec<_> = strays.filter(|f| !FILES.contains(&f.as_str()) && f != "checkpoint" && f != ".lock").collect();
    assert!(strays.is_empty(), "{strays:?}");
}

fn figure(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} of {value}"))
}

#[test]
fn a_run_leaves_its_files() {
    let run = finished();
    assert_files(run);
    let list = metrics(run);
    assert_eq!(list.len(), ROUNDS);
    let with_times = lines(&run.join("metrics.jsonl"));
    let expected = [
        "round",
        "phase",
        "train_loss",
        "test_loss",
        "test_accuracy",
        "validation_loss",
        "validation_accuracy",
        "averaged_accuracy",
        "low_accuracy",
        "high_accuracy",
        "worst_tenth_accuracy",
        "class_accuracy",
        "clients",
        "dropouts",
        "probes",
        "uplink_bytes",
        "downlink_bytes",
        "catchup_bytes",
        "seconds",
        "compile_seconds",
        "dl_rms",
        "dl_zero",
        "dropped",
        "dl_error",
        "skipped_steps",
        "loss_scale",
    ];
    assert!(with_times.iter().all(|line| keys(line) == expected));
    for (round, line) in list.iter().enumerate() {
        let warmup = round < WARMUP;
        assert_eq!(line["round"], round);
        assert_eq!(line["phase"], if warmup { "warmup" } else { "zo" });
        // Every second round, the pivot and the last one.
        assert_eq!(line["test_loss"].is_number(), round % 2 == 1 || round + 1 == WARMUP || round + 1 == ROUNDS);
        assert!(
            ["probes", "catchup_bytes", "dl_rms", "dl_zero", "dropped"].iter().all(|key| line[key].is_null() == warmup)
        );
        assert!(figure(line, "train_loss") > 0.0);
    }
    let ledger = lines(&run.join("ledger.jsonl"));
    assert_eq!(ledger.len(), 1 + ROUNDS - WARMUP);
    assert_eq!(ledger[0]["base"], "pivot.safetensors");
    for (line, metrics) in ledger[1..].iter().zip(&list[WARMUP..]) {
        assert_eq!(line["round"], metrics["round"]);
        assert_eq!(line["probes"].as_array().unwrap().len() as u64, metrics["probes"].as_u64().unwrap());
    }
    assert_eq!(ledger[ROUNDS - WARMUP]["fingerprint"], summary(run)["fingerprint"]);
}

#[test]
fn bytes_are_counted_as_the_protocol_sends_them() {
    let list = metrics(finished());
    let (high, probes) = (2, 2);
    for (round, line) in list.iter().enumerate() {
        let (up, down) = if round < WARMUP {
            (4 * PARAMS * high, 4 * PARAMS * high)
        } else {
            let all = CLIENTS * probes;
            let pivot = if round == WARMUP { 4 * PARAMS * CLIENTS } else { 0 };
            (4 * all, pivot + 8 * all + 12 * all * CLIENTS)
        };
        assert_eq!((line["uplink_bytes"].as_u64(), line["downlink_bytes"].as_u64()), (Some(up), Some(down)), "{round}");
        assert_eq!(line["clients"].as_u64(), Some(if round < WARMUP { high } else { CLIENTS }));
    }
    let summary = summary(finished());
    for key in ["uplink_bytes", "downlink_bytes"] {
        assert_eq!(summary[key].as_u64(), list.iter().map(|line| line[key].as_u64()).sum(), "{key}");
    }
    let accuracies = list.iter().filter_map(|line| line["test_accuracy"].as_f64());
    assert_eq!(summary["best_accuracy"].as_f64(), accuracies.reduce(f64::max));
    assert_eq!(summary["pivot_accuracy"], list[WARMUP - 1]["test_accuracy"]);
    assert_eq!(summary["final_accuracy"], list[ROUNDS - 1]["test_accuracy"]);
    assert_eq!((summary["rounds"].as_u64(), summary["params"].as_u64()), (Some(ROUNDS as u64), Some(PARAMS)));
    assert_eq!((summary["status"].as_str(), summary["schema"].as_u64()), (Some("done"), Some(2)));
}

#[test]
fn the_split_file_deals_out_each_sample_once() {
    let split = json(&finished().join("split.json"));
    let clients = split["clients"].as_array().unwrap();
    assert_eq!((clients.len() as u64, split["classes"].as_u64()), (CLIENTS, Some(10)));
    assert_eq!(clients.iter().filter(|c| c["high"] == true).count(), 2);
    let list = |value: &Value| value.as_array().unwrap().iter().map(|i| i.as_u64().unwrap()).collect::<Vec<_>>();
    let mut all = list(&split["leftover"]);
    for client in clients {
        let indices = list(&client["indices"]);
        assert_eq!(list(&client["histogram"]).iter().sum::<u64>(), indices.len() as u64);
        assert_eq!(indices.len(), 33);
        all.extend(indices);
    }
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
    assert_eq!(split["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_run_without_warmup_starts_from_given_weights() {
    let place = Place::new();
    let from = finished().join("final.safetensors");
    let set = format!("model.weights={}", from.display());
    // No high-resource client is needed.
    let dir = place.run("run", &[&set, "warmup.rounds=0", "split.high_share=0", "zo.rounds=4"]);
    assert_files(&dir);
    for file in ["init.safetensors", "pivot.safetensors"] {
        assert_eq!(weights(&dir.join(file)), weights(&from), "{file}");
    }
    let list = metrics(&dir);
    assert!(list.len() == 4 && list.iter().all(|line| line["phase"] == "zo"));
    assert_eq!(list[0]["round"], 0);
    assert!(list[0]["downlink_bytes"].as_u64() > Some(4 * PARAMS * CLIENTS));
    // The pivot is where the other run ended.
    let (before, after) = (summary(finished()), summary(&dir));
    assert_eq!(after["pivot_accuracy"], before["final_accuracy"]);
    assert_eq!(after["pivot_loss"], before["final_loss"]);
    assert_ne!(after["fingerprint"], before["fingerprint"]);
}

#[test]
fn a_run_without_zo_rounds_ends_at_the_pivot() {
    let place = Place::new();
    let dir = place.run("run", &["zo.rounds=0"]);
    assert_files(&dir);
    assert_eq!(fs::read(dir.join("final.safetensors")).unwrap(), fs::read(dir.join("pivot.safetensors")).unwrap());
    assert_eq!(weights(&dir.join("pivot.safetensors")), weights(&finished().join("pivot.safetensors")));
    assert_eq!(line_count(&dir.join("ledger.jsonl")), 1);
    assert_eq!(metrics(&dir)[..], metrics(finished())[..WARMUP]);
    let summary = summary(&dir);
    assert_eq!(summary["final_accuracy"], summary["pivot_accuracy"]);
    assert_eq!(summary["rounds"], WARMUP);
}

#[test]
fn a_run_of_no_rounds_leaves_its_files_too() {
    let place = Place::new();
    let dir = place.run("run", &["zo.rounds=0", "warmup.rounds=0"]);
    assert_files(&dir);
    assert_eq!(fs::read(dir.join("metrics.jsonl")).unwrap(), b"");
    assert_eq!(line_count(&dir.join("ledger.jsonl")), 1);
    let init = fs::read(dir.join("init.safetensors")).unwrap();
    assert_eq!(fs::read(dir.join("final.safetensors")).unwrap(), init);
    assert_eq!(init, fs::read(finished().join("init.safetensors")).unwrap());
    let summary = summary(&dir);
    assert_eq!((summary["rounds"].as_u64(), summary["uplink_bytes"].as_u64()), (Some(0), Some(0)));
    assert!(figure(&summary, "final_loss") > 0.0);
}

#[test]
fn unequal_clients_that_take_turns_are_weighted_by_their_sizes() {
    let place = Place::new();
    let sets = [
        "split.size_alpha=0.6",
        "zo.participation=0.5",
        "zo.participants=low",
        "zo.rounds=5",
        "warmup.participation=0.5",
    ];
    let dir = place.run("run", &sets);
    let split = json(&dir.join("split.json"));
    let clients = split["clients"].as_array().unwrap();
    let size = |c: u64| clients[c as usize]["indices"].as_array().unwrap().len();
    let sizes: Vec<usize> = (0..CLIENTS).map(size).collect();
    assert!(sizes.iter().any(|&n| n != sizes[0]), "{sizes:?}");
    let low: Vec<u64> = (0..CLIENTS).filter(|&c| clients[c as usize]["high"] == false && size(c) > 0).collect();
    let list = metrics(&dir);
    assert!(list[..WARMUP].iter().all(|line| line["clients"] == 1));
    let mut sets = std::collections::BTreeSet::new();
    for (line, metrics) in lines(&dir.join("ledger.jsonl"))[1..].iter().zip(&list[WARMUP..]) {
        let probes = line["probes"].as_array().unwrap();
        let mut taking: Vec<u64> = probes.iter().map(|p| p["client"].as_u64().unwrap()).collect();
        assert_eq!(taking.len(), probes.len());
        taking.dedup();
        assert!(taking.is_sorted() && taking.iter().all(|c| low.contains(c)), "{taking:?}");
        // Half of them, rounded half up.
        assert_eq!(taking.len(), low.len().div_ceil(2));
        assert_eq!(metrics["clients"], taking.len());
        let total: usize = taking.iter().map(|&c| size(c)).sum();
        for probe in probes {
            let share = size(probe["client"].as_u64().unwrap()) as f64 / total as f64;
            assert_eq!(probe["weight"].as_f64(), Some(share / 2.0));
        }
        sets.insert(taking);
    }
    assert!(sets.len() > 1, "the clients change from round to round");
}
