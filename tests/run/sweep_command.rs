//! `zowarmup sweep`: grids, what fails alone and what fails everything, shards, CSV.

use std::fs;
use std::process::Output;

use serde_json::Value;

use super::common::*;

const FEW: [&str; 6] = ["--set", "warmup.rounds=1", "--set", "zo.rounds=2", "--set", "zo.probes=1"];

fn sweep(place: &Place, args: &[&str]) -> Output {
    let mut command = zowarmup();
    command.current_dir(place.dir.path()).arg("sweep").args(args).args(FEW);
    command.output().unwrap()
}

fn swept(place: &Place, args: &[&str], status: i32) -> Value {
    let output = sweep(place, &[args, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn each<'a>(result: &'a Value, key: &str) -> Vec<&'a Value> {
    result["cells"].as_array().unwrap().iter().map(|cell| &cell[key]).collect()
}

#[test]
fn a_grid_is_swept_once_and_a_senseless_value_is_its_cells_alone() {
    let place = Place::new();
    let args =
        ["small.toml", "--grid", "zo.tau=0.5,-1", "--grid", "zo.lr=0.01,0.02", "--seeds", "0..1", "--csv", "cells.csv"];
    let result = swept(&place, &args, 1);
    let count = |key: &str| result[key].as_u64().unwrap();
    assert_eq!((count("done"), count("failed"), count("diverged"), count("pending")), (4, 4, 0, 0));
    assert_eq!(result["dir"], "sweeps/small");
    let first = &result["cells"][1];
    assert_eq!((&first["dir"], &first["seed"]), (&"sweeps/small/zo.tau-0.5-zo.lr-0.01-s1".into(), &1.into()));
    assert_eq!(first["set"], serde_json::json!({"zo.tau": 0.5, "zo.lr": 0.01}));
    let of = json(&place.path("sweeps/small/zo.tau-0.5-zo.lr-0.01-s1/summary.json"));
    assert!(of["final_accuracy"].is_f64() && first["final_accuracy"] == of["final_accuracy"]);
    let message = result["cells"][4]["message"].as_str().unwrap();
    assert!(message.starts_with("--set: zo.tau = -1: expected "), "{message}");
    assert_eq!(fs::read_dir(place.path("sweeps/small")).unwrap().count(), 4 + 1, "and the warm-ups");
    // A line a cell, with the grid's keys.
    let csv = fs::read_to_string(place.path("cells.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.len() == 9 && lines[0].starts_with("dir,row,seed,status,") && lines[0].ends_with(",zo.tau,zo.lr"));
    assert!(lines[1].ends_with(",0.5,0.01") && lines[5].contains("expected"), "{csv}");

    // Again: nothing is run, the table is printed, the failures are at the end.
    let output = sweep(&place, &args[..7]);
    let (text, log) = (String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("| zo.tau=0.5, zo.lr=0.02 | 2 |") && text.contains("| zo.tau=-1, zo.lr=0.01 | 0, 2 missing |")
    );
    assert!(!log.contains(" rounds"), "{log}");
    let end = log.split("4 of 8 cells failed:\n").nth(1).unwrap();
    assert!(end.lines().count() == 4 && end.starts_with("  zo.tau-1-zo.lr-0.01-s0: --set: zo.tau = -1"), "{log}");
    // New points join those that are there.
    let more = swept(&place, &["small.toml", "--grid", "zo.tau=0.5", "--grid", "zo.lr=0.02,0.04"], 0);
    assert_eq!(each(&more, "status"), ["done", "done"]);
    assert_eq!(fs::read_dir(place.path("sweeps/small")).unwrap().count(), 4 + 1 + 1);
}

#[test]
fn shards_are_a_sweep_together() {
    let place = Place::new();
    let row = |label: &str, tau: &str| format!("[[row]]\nlabel = \"{label}\"\nset = [\"zo.tau={tau}\"]\n");
    let text = format!("base = \"small.toml\"\nseeds = \"0..2\"\n{}{}", row("a", "0.5"), row("b", "1"));
    fs::write(place.path("sweep.toml"), text).unwrap();
    let dirs = |args: &[&str]| {
        let result = swept(&place, &[&["sweep.toml", "--out", "all"], args].concat(), 0);
        each(&result, "dir").iter().map(|dir| dir.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(dirs(&["--shard", "1/2"]), ["all/a-s0", "all/a-s2", "all/b-s1"]);
    assert_eq!(dirs(&["--shard", "2/2"]), ["all/a-s1", "all/b-s0", "all/b-s2"]);
    assert_eq!(fs::read_dir(place.path("all/warmups")).unwrap().count(), 3);
    let modified = |name: &str| fs::metadata(place.path(name).join("summary.json")).unwrap().modified().unwrap();
    let before = modified("all/b-s2");
    assert_eq!(dirs(&[]).len(), 6);
    assert_eq!(modified("all/b-s2"), before, "what a shard has run isn't run again");
}

#[test]
fn what_is_wrong_with_the_sweep_itself_is_one_error_before_anything_runs() {
    let place = Place::new();
    fs::write(place.path("typo.toml"), "[[row]]\nlable = \"a\"\n").unwrap();
    fs::write(place.path("key.toml"), "[[row]]\nlabel = \"a\"\nset = [\"zo.tua=1\"]\n").unwrap();
    fs::write(place.path("bad.toml"), "[zo]\ntau = -1\n").unwrap();
    for (args, message) in [
        (&["small.toml", "--grid", "zo.tua=1,2"][..], "unknown key `zo.tua`; the nearest known key is `zo.tau`"),
        (&["small.toml", "--grid", "zo.tau"], "--grid \"zo.tau\": expected key.path=value"),
        (&["small.toml", "--grid", "zo.tau=1,2", "--seeds", "3..1"], "--seeds \"3..1\": 3..1 ends before it begins"),
        (&["small.toml", "--grid", "zo.tau=1", "--shard", "3/2"], "such as 3/16"),
        (&["small.toml"], "nothing varies"),
        (&["nowhere.toml", "--grid", "zo.tau=1"], "nowhere.toml"),
        (&["typo.toml"], "lable"),
        (&["key.toml"], "key.toml: row \"a\": --set: unknown key `zo.tua`"),
        (&["bad.toml", "--grid", "zo.lr=1"], "bad.toml: zo.tau = -1"),
    ] {
        let output = sweep(&place, args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(message) && text.matches("error: ").count() == 1, "{args:?}: {text}");
        assert!(output.stdout.is_empty() && !place.path("sweeps").exists(), "{args:?}");
    }
}
