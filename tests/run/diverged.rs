//! Runs that leave the numbers: they end as diverged, with everything on disk and the last finite weights.

use std::fs;
use std::path::Path;

use serde_json::Value;
use zowarmup::config::Config;
use zowarmup::data::Dataset;

use super::common::*;

/// What any diverged run leaves; and it does not go on.
fn assert_diverged(dir: &Path, printed: &Value) {
    assert_eq!(printed["status"], "diverged");
    assert_eq!(json(&dir.join("summary.json"))["status"], "diverged");
    for file in ["init.safetensors", "pivot.safetensors", "final.safetensors"] {
        let bad = weights(&dir.join(file)).iter().filter(|w| !w.is_finite()).count();
        assert_eq!(bad, 0, "{file}");
    }
    let before = fs::read(dir.join("metrics.jsonl")).unwrap();
    assert_eq!(resume_to(dir, 1)["status"], "diverged");
    assert_eq!(fs::read(dir.join("metrics.jsonl")).unwrap(), before);
}

#[test]
fn a_test_loss_that_is_not_finite_ends_the_run() {
    let place = Place::new();
    // Four layers with weights of about 1e10 pass the range of f32.
    let sets = ["model.hidden=[16,16,16]", "zo.lr=1e10", "warmup.rounds=1"];
    let (dir, printed) = place.run_to("run", &sets, 1);
    assert_diverged(&dir, &printed);
    let (list, ledger) = (metrics(&dir), lines(&dir.join("ledger.jsonl")));
    let last = list.last().unwrap();
    assert!(list.len() < 1 + 9 && (last["test_loss"].is_null() || last["dropped"] == last["probes"]), "{last}");
    assert_eq!(list.len() - 1, ledger.len() - 1);
    // Killed before the summary, it still ends there.
    for file in ["summary.json", "final.safetensors"] {
        let cut = place.path("cut");
        let _ = fs::remove_dir_all(&cut);
        copy_folder(&dir, &cut);
        fs::remove_file(cut.join("summary.json")).unwrap();
        let _ = fs::remove_file(cut.join(file));
        resume_to(&cut, 1);
        assert_same(&dir, &cut);
    }
}

#[test]
fn weights_that_are_not_finite_are_not_kept() {
    let place = Place::new();
    let (dir, printed) = place.run_to("run", &["zo.lr=1e38", "zo.distribution=gaussian"], 1);
    assert_diverged(&dir, &printed);
    let rounds = line_count(&dir.join("ledger.jsonl")) - 1;
    assert_eq!(rounds + WARMUP, metrics(&dir).len());
    if rounds == 0 {
        assert_eq!(weights(&dir.join("final.safetensors")), weights(&dir.join("pivot.safetensors")));
    }
}

#[test]
fn a_warmup_that_diverges_keeps_the_weights_before_it() {
    let place = Place::new();
    let (dir, printed) = place.run_to("run", &["warmup.client_lr=1e30"], 1);
    assert_diverged(&dir, &printed);
    assert!(metrics(&dir).len() < WARMUP);
    assert_eq!(weights(&dir.join("final.safetensors")), weights(&dir.join("init.safetensors")));
}

/// A pixel that is 0 in every test sample, but not in all training samples.
fn telling_pixel(place: &Place) -> usize {
    let config = Config::load(Some(&place.path("small.toml")), &[]).unwrap();
    let data = Dataset::load(&config.data).unwrap();
    let lit = |part: &zowarmup::data::Part, p: usize| part.pixels().chunks(64).any(|image| image[p] > 0);
    (0..64).find(|&p| lit(&data.train, p) && !lit(&data.test, p)).unwrap()
}

#[test]
fn a_probe_without_a_finite_loss_is_null_and_changes_nothing() {
    let place = Place::new();
    let pixel = telling_pixel(&place);
    let mut list = tensors(&finished().join("pivot.safetensors"));
    for (name, _, values) in &mut list {
        match name.as_str() {
            // Hidden unit 0 sees that pixel alone, and passes the range of f32 on its way to class 0.
            "layers.0.weight" => {
                values[..64].fill(0.0);
                values[pixel] = 1e36;
            }
            "layers.0.bias" => values[0] = 0.0,
            "layers.1.weight" => values[0] = 1e10,
            _ => {}
        }
    }
    write_tensors(&place.path("huge.safetensors"), &list);
    let set = format!("model.weights={}", place.path("huge.safetensors").display());
    let (dir, printed) = {
        let output =
            place.command("run", &[&set, "warmup.rounds=0", "zo.rounds=1", "split.alpha=0.1"]).output().unwrap();
        assert!(output.status.code() == Some(0) || output.status.code() == Some(1), "{}", stderr(&output));
        (place.path("run"), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let ledger = lines(&dir.join("ledger.jsonl"));
    let probes = ledger[1]["probes"].as_array().unwrap();
    let null: Vec<&Value> = probes.iter().filter(|p| p["dl"].is_null()).collect();
    assert!(!null.is_empty() && null.len() < probes.len(), "{} of {} are null", null.len(), probes.len());
    assert!(null.iter().all(|p| p["q"] == 0));
    assert!(probes.iter().any(|p| p["q"] != 0));
    // The weights of the others stay as they are: shares of all clients.
    assert!(probes.iter().all(|p| p["weight"] == probes[0]["weight"]));
    assert_eq!(metrics(&dir)[0]["dropped"], null.len());
    let out = place.path("replayed");
    let mut replay = zowarmup();
    replay.arg("replay").arg("--ledger").arg(dir.join("ledger.jsonl")).arg("--base").arg(dir.join("pivot.safetensors"));
    assert!(replay.arg("--out").arg(&out).args(["--device", "reference"]).output().unwrap().status.success());
    assert_eq!(weights(&out), weights(&dir.join("final.safetensors")));
    assert!(printed["status"] == "done" || printed["status"] == "diverged");
}
