//! `fork`: a run from another one's pivot has the bits of one from the start.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::{FedError, Summary, check, run};

use super::common::*;

fn forked(origin: &Path, out: &Path, sets: &[&str]) -> Result<Summary, FedError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    run::fork(origin, &sets, Some(out), Some("reference"), &mut Silent)
}

fn started(place: &Place, out: &str, sets: &[&str]) -> PathBuf {
    let dir = place.path(out);
    run::start(&config(place, sets), Some(&dir), &twins(), &mut Silent).unwrap();
    dir
}

fn refused(origin: &Path, sets: &[&str], words: &[&str]) {
    let out = origin.parent().unwrap().join("refused");
    let text = forked(origin, &out, sets).unwrap_err().to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{sets:?}: {text}");
    assert!(!out.exists(), "{sets:?}");
}

#[test]
fn a_fork_has_the_bits_of_a_run_from_the_start() {
    let place = Place::new();
    let origin = started(&place, "origin", &[]);
    let settings: [&[&str]; 4] = [
        &[],
        &["zo.tau=0.5", "zo.probes=3", "name=other"],
        &["zo.rounds=0"],
        &["zo.lr=0.02", "zo.distribution=gaussian", "zo.rounds=4", "device.memory_budget=400KiB"],
    ];
    for (i, sets) in settings.into_iter().enumerate() {
        let (whole, fork) = (started(&place, &format!("whole-{i}"), sets), place.path(&format!("fork-{i}")));
        let summary = forked(&origin, &fork, sets).unwrap();
        assert_same(&whole, &fork);
        assert_eq!(
            summary.rounds as usize,
            WARMUP
                + if i == 2 {
                    0
                } else if i == 3 {
                    4
                } else {
                    9
                }
        );
        assert_eq!(fs::read(fork.join("config.toml")).unwrap(), fs::read(whole.join("config.toml")).unwrap());
        // Like any other run: checked, shown, extended.
        assert!(check::check(&fork).unwrap().passed);
        assert_eq!(resumed(&fork, &[]).unwrap(), summary);
        assert!(resumed(&fork, &["warmup.rounds=9"]).unwrap_err().to_string().contains("the warm-up is over"));
    }
    resumed(&place.path("fork-0"), &["zo.rounds=11"]).unwrap();
    let longer = started(&place, "longer", &["zo.rounds=11"]);
    assert_eq!(fs::read(place.path("fork-0/ledger.jsonl")).unwrap(), fs::read(longer.join("ledger.jsonl")).unwrap());
    // It says where it comes from.
    let (manifest, of) = (json(&place.path("fork-1/manifest.json")), json(&origin.join("manifest.json")));
    assert_eq!(manifest["fork"]["folder"], "origin");
    assert_eq!(manifest["fork"]["pivot_sha256"], of["pivot"]["sha256"]);
    assert_eq!(manifest["fork"]["config_sha256"].as_str().unwrap().len(), 64);
    assert!(of.get("fork").is_none());
}

#[test]
fn evaluations_that_the_origin_did_not_make_are_made_at_the_pivot() {
    let place = Place::new();
    let origin = started(&place, "origin", &[]);
    let sets = ["eval.groups=true", "eval.every=1"];
    let (whole, fork) = (started(&place, "whole", &sets), place.path("fork"));
    forked(&origin, &fork, &sets).unwrap();
    let zo = |dir: &Path| metrics(dir)[WARMUP..].to_vec();
    assert_eq!(zo(&whole), zo(&fork));
    // Of the warm-up the origin has fewer evaluations, so its best may be missing; here it is a later one.
    assert_eq!(summary(&whole), summary(&fork));
    assert!(summary(&fork)["pivot_worst_tenth_accuracy"].is_number());
}

#[test]
fn unfinished_runs_and_runs_without_warmup_are_forked_too() {
    let place = Place::new();
    let sets = ["zo.tau=0.5"];
    let whole = started(&place, "whole", &sets);
    let origin = stopped(&place, "origin", &[], WARMUP + 2);
    let before = fs::read(origin.join("manifest.json")).unwrap();
    forked(&origin, &place.path("fork"), &sets).unwrap();
    assert_same(&whole, &place.path("fork"));
    assert_eq!(fs::read(origin.join("manifest.json")).unwrap(), before, "the origin is left alone");
    // Of a fork, in turn.
    forked(&place.path("fork"), &place.path("again"), &sets).unwrap();
    assert_same(&whole, &place.path("again"));

    let none = ["warmup.rounds=0", "zo.rounds=3"];
    let origin = started(&place, "none", &none);
    let whole = started(&place, "none-whole", &[&none[..], &sets[..]].concat());
    forked(&origin, &place.path("none-fork"), &sets).unwrap();
    assert_same(&whole, &place.path("none-fork"));
}

#[test]
fn what_would_change_the_pivot_is_refused_by_name() {
    let place = Place::new();
    let origin = started(&place, "origin", &[]);
    refused(&origin, &["warmup.rounds=4"], &["--set warmup.rounds=4", "pivot of", "[zo]"]);
    refused(&origin, &["seed=3"], &["--set seed=3"]);
    refused(&origin, &["zo.tau=0.5", "split.clients=3"], &["--set split.clients=3"]);
    refused(&origin, &["zoo.tau=0.5"], &["--set zoo.tau=0.5"]);
    refused(&origin, &["zo.tauu=0.5"], &["unknown key", "zo.tauu", "zo.tau"]);
    refused(&origin, &["zo.tau=-1"], &["zo.tau = -1"]);
    refused(&stopped(&place, "early", &[], 2), &[], &["no pivot", "warm-up of 3 rounds isn't over", "resume"]);
    refused(&place.path("nowhere"), &[], &["nowhere"]);
    let diverged = place.path("diverged");
    let sets = ["warmup.client_lr=1e30"];
    run::start(&config(&place, &sets), Some(&diverged), &twins(), &mut Silent).unwrap();
    refused(&diverged, &[], &["no pivot", "diverged in its warm-up"]);
    // Files that aren't what the run wrote.
    let cut = stopped(&place, "cut", &[], WARMUP + 2);
    let damage = |file: &str, at: usize| {
        let bytes = fs::read(cut.join(file)).unwrap();
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        fs::write(cut.join(file), bad).unwrap();
        refused(&cut, &[], &[file]);
        fs::write(cut.join(file), bytes).unwrap();
    };
    damage("pivot.safetensors", 900);
    damage("metrics.jsonl", 20);
    damage("init.safetensors", 900);
    damage("manifest.json", 300);
    forked(&cut, &place.path("good"), &[]).unwrap();
    // An unfinished run's later lines are none of a fork's business.
    let path = cut.join("metrics.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    text.truncate(text.len() - 9);
    fs::write(&path, text).unwrap();
    forked(&cut, &place.path("torn"), &[]).unwrap();
    assert_same(&place.path("good"), &place.path("torn"));
}

#[test]
fn a_fork_killed_on_its_way_goes_on_or_is_made_again() {
    let place = Place::new();
    let origin = started(&place, "origin", &[]);
    let whole = started(&place, "whole", &["zo.tau=0.5"]);
    let stop = |out: &Path, rounds| {
        run::fork(&origin, &["zo.tau=0.5".to_owned()], Some(out), Some("reference"), &mut StopAfter(rounds)).unwrap()
    };
    let cut = place.path("cut");
    assert_eq!(stop(&cut, 3).rounds as usize, WARMUP + 3);
    resumed(&cut, &[]).unwrap();
    assert_same(&whole, &cut);
    // Killed after its config and before its pivot.
    let early = place.path("early");
    stop(&early, 1);
    for file in ["pivot.safetensors", "ledger.jsonl", "summary.json"] {
        fs::remove_file(early.join(file)).unwrap();
    }
    resumed(&early, &[]).unwrap();
    assert_same(&whole, &early);
    // Killed before its config: the folder is as good as empty, for a fork and for any other run.
    for (name, other) in [("half", false), ("half-run", true)] {
        let half = place.path(name);
        stop(&half, 1);
        for file in ["pivot.safetensors", "ledger.jsonl", "summary.json", "config.toml"] {
            fs::remove_file(half.join(file)).unwrap();
        }
        fs::write(half.join(".config.toml.77-3.part"), b"half").unwrap();
        if other {
            run::start(&config(&place, &["zo.tau=0.5"]), Some(&half), &twins(), &mut Silent).unwrap();
        } else {
            forked(&origin, &half, &["zo.tau=0.5"]).unwrap();
        }
        assert_same(&whole, &half);
    }
    // Anything else in it is somebody's.
    let mine = place.path("mine");
    stop(&mine, 1);
    fs::remove_file(mine.join("config.toml")).unwrap();
    fs::write(mine.join("notes.txt"), b"mine").unwrap();
    assert!(forked(&origin, &mine, &[]).unwrap_err().to_string().contains("not empty"));
}

#[test]
fn the_command_forks_and_says_so() {
    let place = Place::new();
    let out = place.path("fork");
    let mut command = zowarmup();
    command.arg("fork").arg(finished()).args(["--json", "--set", "zo.rounds=4", "--out"]).arg(&out);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((printed["status"].as_str(), printed["rounds"].as_u64()), (Some("done"), Some(WARMUP as u64 + 4)));
    assert!(stderr(&output).contains("from the pivot of"), "{}", stderr(&output));
    assert_same(&place.run("whole", &["zo.rounds=4"]), &out);
    // A folder that is taken.
    let output = zowarmup().arg("fork").arg(finished()).arg("--out").arg(&out).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}
