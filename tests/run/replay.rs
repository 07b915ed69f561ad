//! A ledger and its base give the final weights, on any device.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::common::*;

fn replay(ledger: &Path, base: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = zowarmup();
    command
        .args(["replay", "--json", "--force", "--ledger"])
        .arg(ledger)
        .arg("--base")
        .arg(base)
        .arg("--out")
        .arg(out)
        .args(more);
    command.output().unwrap()
}

fn object(output: &Output, status: i32) -> Value {
    assert_eq!(output.status.code(), Some(status), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes lines as a ledger.
fn write(path: &Path, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(path, text).unwrap();
}

#[test]
fn a_replay_gives_the_bits_of_the_final_weights_on_any_device() {
    let (place, run) = (Place::new(), finished());
    let (ledger, base) = (run.join("ledger.jsonl"), run.join("pivot.safetensors"));
    for (name, device) in [("default", &[][..]), ("reference", &["--device", "reference"])] {
        let out = place.path(name);
        let result = object(&replay(&ledger, &base, &out, device), 0);
        assert_eq!(
            result,
            json!({"rounds": 9, "params": PARAMS, "fingerprint": summary(run)["fingerprint"], "matches": true,
                "first_difference": null, "truncated": false})
        );
        assert_eq!(keys(&result), ["rounds", "params", "fingerprint", "matches", "first_difference", "truncated"]);
        assert!(fs::read(&out).unwrap() == fs::read(run.join("final.safetensors")).unwrap(), "{name}");
    }
}

#[test]
fn a_replay_stops_where_it_is_told() {
    let (place, run) = (Place::new(), finished());
    let (ledger, base) = (run.join("ledger.jsonl"), run.join("pivot.safetensors"));
    let rounds = lines(&ledger);
    for (until, count) in [("2", 0), ("3", 1), ("7", 5), ("100", 9)] {
        let out = place.path(until);
        let result = object(&replay(&ledger, &base, &out, &["--until", until, "--device", "reference"]), 0);
        assert_eq!(result["rounds"], count);
        match count {
            0 => assert_eq!(weights(&out), weights(&base)),
            n => assert_eq!(result["fingerprint"], rounds[n]["fingerprint"]),
        }
    }
}

#[test]
fn a_ledger_cut_short_gives_its_complete_rounds() {
    let (place, run) = (Place::new(), finished());
    let bytes = fs::read(run.join("ledger.jsonl")).unwrap();
    let cut = place.path("cut.jsonl");
    fs::write(&cut, &bytes[..bytes.len() - 10]).unwrap();
    let output = replay(&cut, &run.join("pivot.safetensors"), &place.path("out"), &[]);
    let result = object(&output, 0);
    assert_eq!((result["rounds"].as_u64(), result["truncated"].as_bool()), (Some(8), Some(true)));
    assert!(stderr(&output).contains("cut.jsonl"));
}

#[test]
fn a_ledger_that_was_tampered_with_is_found_out() {
    let (place, run) = (Place::new(), finished());
    let mut tampered = lines(&run.join("ledger.jsonl"));
    let q = tampered[4]["probes"][1]["q"].as_i64().unwrap();
    tampered[4]["probes"][1]["q"] = json!(q - q.signum());
    let (ledger, out) = (place.path("tampered.jsonl"), place.path("out"));
    write(&ledger, &tampered);
    for device in [&[][..], &["--device", "reference"]] {
        let result = object(&replay(&ledger, &run.join("pivot.safetensors"), &out, device), 1);
        assert_eq!((result["matches"].as_bool(), result["first_difference"].as_u64()), (Some(false), Some(6)));
        assert!(!out.exists());
    }
    // The rounds before it are sound.
    object(&replay(&ledger, &run.join("pivot.safetensors"), &out, &["--until", "5"]), 0);
}

#[test]
fn the_golden_ledgers_replay() {
    let place = Place::new();
    for folder in ["replay-small", "replay-binomial"] {
        for device in [&[][..], &["--device", "reference"]] {
            let of = |file: &str| golden(folder).join(file);
            let out = place.path(folder);
            let result = object(&replay(&of("ledger.jsonl"), &of("base.safetensors"), &out, device), 0);
            assert_eq!((result["matches"].as_bool(), result["rounds"].as_u64()), (Some(true), Some(5)));
            let bits = |path: &Path| weights(path).iter().map(|w| w.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&out), bits(&of("final.safetensors")), "{folder}");
        }
    }
}

#[test]
fn distributions_that_are_not_exact_replay_closely() {
    let place = Place::new();
    for distribution in ["gaussian", "uniform", "sphere", "binomial"] {
        let exact = distribution == "binomial";
        let run = place.run(distribution, &[&format!("zo.distribution={distribution}"), "zo.rounds=4"]);
        let ledger = lines(&run.join("ledger.jsonl"));
        assert_eq!(ledger[0]["exact"], exact);
        assert_eq!(ledger[1].get("scale_exp").is_some(), exact);
        assert_eq!(ledger[1]["probes"][0].get("q").is_some(), exact);
        assert_eq!(ledger[0].get("optimizer"), (!exact).then(|| json!({"kind": "sgd"})).as_ref());
        let out = place.path("out");
        let base = run.join("pivot.safetensors");
        let result = object(&replay(&run.join("ledger.jsonl"), &base, &out, &["--device", "reference"]), 0);
        assert_eq!(result["matches"], if exact { json!(true) } else { Value::Null });
        let (ours, theirs) = (weights(&out), weights(&run.join("final.safetensors")));
        if exact {
            assert_eq!(ours, theirs);
        }
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let difference = norm(&mut ours.iter().zip(&theirs).map(|(a, b)| f64::from(*a) - f64::from(*b)));
        let error = difference / norm(&mut theirs.iter().map(|&w| f64::from(w)));
        assert!(error <= 1e-5, "{distribution}: {error}");
    }
}

#[test]
fn wrong_ledgers_and_bases_are_refused() {
    let (place, run) = (Place::new(), finished());
    let (good, base, out) = (run.join("ledger.jsonl"), run.join("pivot.safetensors"), place.path("out"));
    let refused = |ledger: &Path, base: &Path, expected: &[&str]| {
        let output = replay(ledger, base, &out, &[]);
        let text = stderr(&output);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{text}");
        assert!(expected.iter().all(|word| text.contains(word)), "{text}");
        assert!(!out.exists());
    };
    let change = |name: &str, edit: &dyn Fn(&mut Vec<Value>)| {
        let (path, mut list) = (place.path(name), lines(&good));
        edit(&mut list);
        write(&path, &list);
        path
    };
    let bad_line = place.path("bad.jsonl");
    let text = fs::read_to_string(&good).unwrap().replacen("\"weight\"", "\"wieght\"", 1);
    fs::write(&bad_line, text).unwrap();
    refused(&bad_line, &base, &["bad.jsonl", "line 2", "wieght"]);
    refused(&change("a", &|l| l[3]["probes"][0]["q"] = json!(1 << 30)), &base, &["line 4"]);
    refused(&change("b", &|l| l[2]["round"] = json!(3)), &base, &["line 3", "round"]);
    refused(&change("c", &|l| l[0]["params"] = json!(7)), &base, &["line 1", "params"]);
    refused(&change("d", &|l| l[0]["version"] = json!(3)), &base, &["line 1", "version"]);
    refused(&change("e", &|l| l[1]["fingerprint"] = json!("12")), &base, &["line 2", "hex"]);
    refused(&change("f", &|l| l[0]["model"] = json!({"kind": "vit"})), &base, &["line 1", "model.input"]);
    refused(&good, &run.join("init.safetensors"), &["init.safetensors", "SHA-256"]);
    refused(&good, &place.path("nowhere"), &["nowhere"]);
    refused(&place.path("nowhere.jsonl"), &base, &["nowhere.jsonl"]);
    fs::write(place.path("empty"), b"").unwrap();
    refused(&place.path("empty"), &base, &["empty", "line 1"]);
}
