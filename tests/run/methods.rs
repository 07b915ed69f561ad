//! Every method: stopped and gone on with, replayed from its ledger, its bytes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zowarmup::device::Selection;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::replay::replay;
use zowarmup::fed::run;

use super::common::*;

/// Methods, as what they set, and whether their ledger is exact.
const METHODS: [(&str, &[&str], bool); 17] = [
    ("momentum", &["zo.optimizer=momentum"], false),
    ("adam", &["zo.optimizer=adam", "zo.lr=0.01"], false),
    ("hessian", &["zo.optimizer=hessian"], false),
    ("local-steps", &["zo.local_steps=3", "zo.tau=0.25"], true),
    ("batches", &["zo.local_steps=2", "zo.batch=10", "zo.local_lr=0.02"], true),
    ("one-batch", &["zo.batch=10"], true),
    ("pool", &["zo.seed_pool=8", "zo.local_steps=2"], true),
    ("shared", &["zo.shared_seeds=true", "zo.lr=auto"], true),
    ("guard", &["zo.rate_guard=true", "zo.lr_decay=0.97", "zo.participation=0.5"], true),
    ("one-sided", &["zo.sides=1", "zo.normalise=deviation"], true),
    ("f16", &["zo.uplink=f16"], true),
    ("sign", &["zo.uplink=sign", "zo.shared_seeds=true", "zo.lr=0.01"], true),
    ("high-first-order", &["zo.participants=high-first-order"], true),
    ("high-gradient", &["zo.participants=high-gradient", "warmup.rounds=0"], true),
    ("high", &["zo.participants=high"], true),
    ("sphere", &["zo.distribution=sphere", "zo.sides=1", "zo.local_steps=2", "zo.uplink=weights"], false),
    ("average", &["eval.average=0.9", "eval.groups=true"], true),
];

/// A run by the library on the twins, from its start to its end.
fn whole(place: &Place, out: &str, sets: &[&str]) -> PathBuf {
    let dir = place.path(out);
    run::start(&config(place, sets), Some(&dir), &twins(), &mut Silent).unwrap();
    dir
}

#[test]
fn every_method_goes_on_with_the_same_bits() {
    let place = Place::new();
    for (name, sets, _) in METHODS {
        let whole = whole(&place, &format!("{name}-whole"), sets);
        for rounds in [1, 5, 8] {
            let cut = stopped(&place, &format!("{name}-{rounds}"), sets, rounds);
            resumed(&cut, &[]).unwrap();
            assert_same(&whole, &cut);
            for delta in fs::read_dir(whole.join("deltas")).into_iter().flatten().flatten() {
                let other = cut.join("deltas").join(delta.file_name());
                assert!(fs::read(delta.path()).unwrap() == fs::read(other).unwrap(), "{name} {delta:?}");
            }
        }
    }
}

#[test]
fn every_methods_ledger_gives_its_weights() {
    let place = Place::new();
    for (name, sets, exact) in METHODS {
        let dir = whole(&place, name, sets);
        let (ledger, base) = (dir.join("ledger.jsonl"), dir.join("pivot.safetensors"));
        let header: Value = lines(&ledger).remove(0);
        assert_eq!(header["exact"], exact, "{name}");
        for device in [Selection::of("reference"), zowarmup::device::testing::selection()] {
            let replayed = replay(&ledger, &base, None, &device).unwrap();
            assert_eq!(replayed.result.matches, exact.then_some(true), "{name}");
            let last = weights(&dir.join("final.safetensors"));
            let distance = |f: &dyn Fn(f64, f64) -> f64| {
                replayed.weights.iter().zip(&last).map(|(a, b)| f(f64::from(*a), f64::from(*b))).sum::<f64>().sqrt()
            };
            let error = distance(&|a, b| (a - b).powi(2)) / distance(&|_, b| b * b);
            assert!(if exact { error == 0.0 } else { error <= 1e-5 }, "{name}: {error}");
        }
    }
}

/// All values of a weights file, in the flat order of the small model.
fn weights(path: &Path) -> Vec<f32> {
    let bytes = fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"];
    let values = names.iter().flat_map(|name| file.tensor(name).unwrap().data().as_chunks().0.to_vec());
    values.map(f32::from_le_bytes).collect()
}

#[test]
fn clients_that_return_are_sent_what_they_missed() {
    let place = Place::new();
    let dir = whole(&place, "half", &["zo.participation=0.5", "zo.rounds=6"]);
    let rounds: Vec<Value> = lines(&dir.join("metrics.jsonl")).split_off(WARMUP);
    let ledger = lines(&dir.join("ledger.jsonl"));
    // The last round in which each client took part: what it lacks are the pairs of those since.
    let mut lacks = vec![0u64; CLIENTS as usize];
    for (line, round) in rounds.iter().zip(&ledger[1..]) {
        let probes = round["probes"].as_array().unwrap();
        let mut catchup = 0;
        for (client, lacks) in lacks.iter_mut().enumerate() {
            if probes.iter().any(|p| p["client"] == client as u64) {
                catchup += (12 * *lacks).min(4 * PARAMS);
                *lacks = 0;
            } else {
                *lacks += probes.len() as u64;
            }
        }
        assert_eq!(line["catchup_bytes"], catchup, "{line}");
    }
    assert!(rounds.iter().any(|line| line["catchup_bytes"].as_u64() > Some(0)));
}

#[test]
fn a_damaged_delta_is_named() {
    let place = Place::new();
    let sets = ["zo.participants=high-first-order"];
    let dir = stopped(&place, "run", &sets, WARMUP + 4);
    let delta = dir.join("deltas").join(format!("{}.safetensors", WARMUP + 1));
    let mut bytes = fs::read(&delta).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&delta, &bytes).unwrap();
    let error = resumed(&dir, &[]).unwrap_err().to_string();
    assert!(error.contains(&format!("{}.safetensors", WARMUP + 1)) && error.contains("SHA-256"), "{error}");
    // A finished folder's are checked, too.
    let done = whole(&place, "done", &sets);
    let delta = done.join("deltas").join(format!("{}.safetensors", WARMUP + 8));
    assert!(zowarmup::fed::check::check(&done).unwrap().passed);
    fs::remove_file(delta).unwrap();
    assert!(!zowarmup::fed::check::check(&done).unwrap().passed);
}

#[test]
fn more_steps_than_samples_are_refused_before_the_run() {
    let place = Place::new();
    let output = place.command("out", &["zo.local_steps=1000", "zo.probes=1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("zo.local_steps = 1000") && text.contains("33 samples"), "{text}");
    assert!(!place.path("out").exists());
}

/// Each count is within its range, but what they make together would fill any memory.
#[test]
fn steps_that_draw_too_many_samples_are_refused_before_the_run() {
    let place = Place::new();
    let sets = ["zo.local_steps=100000", "zo.batch=1000000", "zo.probes=1"];
    let output = place.command("out", &sets).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let text = stderr(&output);
    assert!(text.contains("zo.batch = 1000000: expected less") && text.contains("600000000000 samples"), "{text}");
    assert!(!place.path("out").exists());
}
