//! Killed at any moment, interrupted, locked: what is on disk goes on to the same bits.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::*;

#[test]
fn a_run_killed_again_and_again_ends_with_the_same_bits() {
    let place = Place::new();
    let dir = place.path("killed");
    let metrics = dir.join("metrics.jsonl");
    let moments: [Box<dyn Fn() -> bool>; 6] = [
        Box::new(|| dir.join("config.toml").exists()),
        Box::new(|| line_count(&metrics) >= 1),
        Box::new(|| line_count(&metrics) >= WARMUP),
        Box::new(|| dir.join("ledger.jsonl").exists()),
        Box::new(|| line_count(&metrics) > WARMUP + 2),
        Box::new(|| line_count(&metrics) >= ROUNDS - 1),
    ];
    for (i, moment) in moments.iter().enumerate() {
        let mut command = zowarmup();
        command.arg("resume").arg(&dir);
        let mut process = Background::start(if i == 0 { place.command("killed", &[]) } else { command });
        process.until(moment);
        process.kill();
    }
    let status = resume_to(&dir, 0)["status"].clone();
    assert_eq!(status, "done");
    assert_same(finished(), &dir);
}

#[test]
fn ctrl_c_ends_the_round_and_resume_completes_the_run() {
    let place = Place::new();
    let (dir, metrics) = (place.path("run"), place.path("run/metrics.jsonl"));
    // Long enough that the signal meets it; the rounds do not depend on how many follow but for the evaluation at the end.
    let sets = ["zo.rounds=60"];
    let mut process = Background::start(place.command("run", &sets));
    process.until(|| line_count(&metrics) >= 2);
    let sent = Command::new("kill").args(["-INT", &process.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = process.0.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let printed: serde_json::Value = serde_json::from_reader(process.0.stdout.take().unwrap()).unwrap();
    assert_eq!(printed["status"], "interrupted");
    let said = std::io::read_to_string(process.0.stderr.take().unwrap()).unwrap();
    assert!(said.contains("zowarmup resume"), "{said}");
    let before = json(&dir.join("summary.json"));
    assert_eq!(
        (before["status"].as_str(), before["rounds"].as_u64()),
        (Some("interrupted"), printed["rounds"].as_u64())
    );
    assert_eq!(before["rounds"].as_u64().unwrap() as usize, line_count(&metrics));
    assert_eq!(resume_to(&dir, 0)["status"], "done");
    assert_same(&place.run("whole", &sets), &dir);
}

#[test]
fn resume_of_a_finished_run_prints_its_summary() {
    let place = Place::new();
    let dir = place.path("copy");
    copy_folder(finished(), &dir);
    let mut printed = resume_to(&dir, 0);
    assert_eq!(printed["dir"].as_str(), dir.to_str());
    printed
        .as_object_mut()
        .unwrap()
        .retain(|key, _| !["dir", "seconds", "compile_seconds", "commit"].contains(&key.as_str()));
    let mut before = summary(finished());
    // The library, which the whole run was made with, knows no commit.
    before.as_object_mut().unwrap().remove("commit");
    assert_eq!(printed, before);
    assert_same(finished(), &dir);
}

/// A copy of the finished run without its end.
fn unfinished(place: &Place, name: &str) -> PathBuf {
    let dir = place.path(name);
    copy_folder(finished(), &dir);
    remove(&dir, &["summary.json", "final.safetensors"]);
    dir
}

fn remove(dir: &Path, files: &[&str]) {
    files.iter().for_each(|file| fs::remove_file(dir.join(file)).unwrap());
}

/// Keeps the first `lines` of a file and half of the next.
fn tear(path: &Path, lines: usize) {
    let bytes = fs::read(path).unwrap();
    let mut parts = bytes.split_inclusive(|&b| b == b'\n');
    let mut kept: Vec<u8> = parts.by_ref().take(lines).flatten().copied().collect();
    let next = parts.next().unwrap();
    kept.extend(&next[..next.len() / 2]);
    fs::write(path, kept).unwrap();
}

#[test]
fn every_state_a_kill_can_leave_is_gone_on_from() {
    let place = Place::new();
    let ledger_behind = unfinished(&place, "ledger-behind");
    tear(&ledger_behind.join("ledger.jsonl"), 1 + 4);
    let metrics_behind = unfinished(&place, "metrics-behind");
    tear(&metrics_behind.join("metrics.jsonl"), WARMUP + 5);
    fs::write(metrics_behind.join(".final.safetensors.77-3.part"), b"half").unwrap();
    fs::write(metrics_behind.join("checkpoint/.state.json.77-1.part"), b"{").unwrap();
    let no_ledger = unfinished(&place, "no-ledger");
    remove(&no_ledger, &["ledger.jsonl", "pivot.safetensors"]);
    let config_only = unfinished(&place, "config-only");
    remove(&config_only, &["ledger.jsonl", "pivot.safetensors", "init.safetensors", "split.json", "metrics.jsonl"]);
    fs::remove_dir_all(config_only.join("checkpoint")).unwrap();
    let no_summary = place.path("no-summary");
    copy_folder(finished(), &no_summary);
    remove(&no_summary, &["summary.json"]);
    for dir in [&ledger_behind, &metrics_behind, &no_ledger, &config_only, &no_summary] {
        assert_eq!(resume_to(dir, 0)["status"], "done", "{}", dir.display());
        assert_same(finished(), dir);
        let parts = fs::read_dir(dir).unwrap().flatten().filter(|e| e.path().extension().is_some_and(|x| x == "part"));
        assert_eq!(parts.count(), 0, "{}", dir.display());
    }
}

#[test]
fn a_resumed_run_needs_the_weights_file_no_more() {
    let place = Place::new();
    let start = place.path("start.safetensors");
    fs::copy(finished().join("pivot.safetensors"), &start).unwrap();
    let sets = [&format!("model.weights={}", start.display()), "warmup.rounds=0"];
    let whole = place.run("whole", &sets);
    let cut = place.path("cut");
    copy_folder(&whole, &cut);
    remove(&cut, &["summary.json", "final.safetensors"]);
    tear(&cut.join("metrics.jsonl"), 3);
    fs::remove_file(&start).unwrap();
    assert_eq!(resume_to(&cut, 0)["status"], "done");
    assert_same(&whole, &cut);
}

#[test]
fn a_second_process_is_refused() {
    let place = Place::new();
    let dir = place.path("busy");
    let mut process = Background::start(place.command("busy", &["zo.rounds=100000"]));
    process.until(|| line_count(&dir.join("metrics.jsonl")) >= 1);
    let output = zowarmup().arg("resume").arg(&dir).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("another process"), "{}", stderr(&output));
    let output = place.command("busy", &[]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    assert!(process.0.try_wait().unwrap().is_none(), "the first process goes on");
    process.kill();
}

#[test]
fn a_servers_moments_outlive_an_interruption() {
    let place = Place::new();
    for algorithm in ["fedavgm", "fedadam"] {
        let algorithm_set = format!("warmup.algorithm={algorithm}");
        let sets = [&algorithm_set, "warmup.rounds=4", "warmup.server_lr=0.02", "warmup.momentum=0.5", "zo.rounds=2"];
        let whole = stopped(&place, &format!("{algorithm}-whole"), &sets, 6);
        resumed(&whole, &[]).unwrap();
        for rounds in [1, 3, 4] {
            let cut = stopped(&place, &format!("{algorithm}-{rounds}"), &sets, rounds);
            let file = cut.join(format!("checkpoint/moments-{rounds}.safetensors"));
            assert!(file.is_file());
            if rounds == 3 {
                let damaged = place.path(&format!("{algorithm}-damaged"));
                copy_folder(&cut, &damaged);
                fs::remove_file(damaged.join("checkpoint/moments-3.safetensors")).unwrap();
                let error = resumed(&damaged, &[]).unwrap_err().to_string();
                assert!(error.contains("moments-3.safetensors"), "{error}");
            }
            resumed(&cut, &[]).unwrap();
            assert_same(&whole, &cut);
        }
    }
}

#[test]
fn augmented_batches_are_drawn_anew_by_a_resumed_run() {
    let place = Place::new();
    let sets = ["data.augment=cifar", "warmup.rounds=3", "zo.rounds=1"];
    let whole = stopped(&place, "whole", &sets, 4);
    resumed(&whole, &[]).unwrap();
    let cut = stopped(&place, "cut", &sets, 2);
    resumed(&cut, &[]).unwrap();
    assert_same(&whole, &cut);
    let plain = stopped(&place, "plain", &sets[1..], 4);
    assert_ne!(metrics(&whole)[0]["train_loss"], metrics(&plain)[0]["train_loss"]);
}
