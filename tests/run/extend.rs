//! `resume --set`: more rounds than a run began with.

use std::fs;
use std::path::Path;

use super::common::*;

fn assert_same_weights(a: &Path, b: &Path) {
    for file in ["init.safetensors", "pivot.safetensors", "ledger.jsonl", "final.safetensors", "split.json"] {
        assert!(fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(), "{file} differs");
    }
}

#[test]
fn a_run_is_extended_to_the_weights_of_a_longer_one() {
    let place = Place::new();
    let longer = place.path("longer");
    let mut silent = zowarmup::fed::observer::Silent;
    let start = |sets: &[&str], dir: &Path, silent: &mut zowarmup::fed::observer::Silent| {
        zowarmup::fed::run::start(&config(&place, sets), Some(dir), &twins(), silent).unwrap()
    };
    start(&["zo.rounds=11"], &longer, &mut silent);
    let dir = place.path("run");
    start(&[], &dir, &mut silent);
    let summary = resumed(&dir, &["zo.rounds=11"]).unwrap();
    assert_eq!(summary.rounds as usize, WARMUP + 11);
    assert_same_weights(&longer, &dir);
    // Its config says so, and it is a finished run like any other.
    assert!(fs::read_to_string(dir.join("config.toml")).unwrap().contains("rounds = 11"));
    assert_eq!(resumed(&dir, &[]).unwrap(), summary);
    assert!(zowarmup::fed::check::check(&dir).unwrap().passed);
    // The evaluation of what was the last round stays in the log.
    assert!(metrics(&dir)[ROUNDS - 1]["test_loss"].is_number());

    // In the middle: every file is that of the longer run.
    let cut = stopped(&place, "cut", &[], 6);
    resumed(&cut, &["zo.rounds=11"]).unwrap();
    assert_same(&longer, &cut);
    let early = stopped(&place, "early", &["warmup.rounds=9"], 2);
    resumed(&early, &["warmup.rounds=3", "zo.rounds=11"]).unwrap();
    assert_same(&longer, &early);
}

#[test]
fn an_extension_killed_on_its_way_goes_on() {
    let place = Place::new();
    let dir = stopped(&place, "run", &[], 5);
    let config_before = fs::read(dir.join("config.toml")).unwrap();
    let mut stop = StopAfter(2);
    let sets = ["zo.rounds=11".to_owned()];
    zowarmup::fed::run::resume(&dir, Some("reference"), &sets, &mut stop).unwrap();
    // The moment between the manifest and the config.
    fs::write(dir.join("config.toml"), config_before).unwrap();
    assert_eq!(resumed(&dir, &[]).unwrap().rounds as usize, WARMUP + 11);
    assert!(fs::read_to_string(dir.join("config.toml")).unwrap().contains("rounds = 11"));
}

#[test]
fn what_would_be_another_run_is_refused() {
    let place = Place::new();
    let dir = stopped(&place, "run", &[], 6);
    let refused = |set: &str, words: &[&str]| {
        let text = resumed(&dir, &[set]).unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{set}: {text}");
    };
    refused("zo.lr=0.1", &["zo.lr", "0.05", "zo.rounds"]);
    refused("zo.rounds=3", &["zo.rounds", "more than the 3"]);
    refused("warmup.rounds=7", &["warmup.rounds", "over"]);
    refused("zo.epsilom=1", &["zo.epsilom"]);
    assert_eq!(resumed(&dir, &[]).unwrap().rounds as usize, ROUNDS);
}
