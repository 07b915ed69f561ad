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
    assert!(message.starts_with("zo.tau = -1: expected "), "{message}");
    assert_eq!(fs::read_dir(place.path("sweeps/small")).unwrap().count(), 4 + 2, "and the warm-ups and the index");
    // A line a cell, with the grid's keys.
    let csv = fs::read_to_string(place.path("cells.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.len() == 9 && lines[0].starts_with("dir,row,seed,status,") && lines[0].ends_with(",zo.tau,zo.lr"));
    assert!(lines[1].ends_with(",0.5,0.01") && lines[5].contains("expected"), "{csv}");

    // Again: nothing is run, the table is printed, the failures are at the end.
    let output = sweep(&place, &args[..7]);
    let (text, log) = (String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output));
    assert_eq!(output.status.code(), Some(1));
    let runs = |row: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("| {row} "))).unwrap();
        line.split('|').nth(2).unwrap().trim().to_owned()
    };
    assert_eq!((runs("zo.tau=0.5, zo.lr=0.02"), runs("zo.tau=-1, zo.lr=0.01")), ("2".into(), "0, 2 missing".into()));
    assert!(!log.contains(" rounds") && log.contains("zowarmup report sweeps/small draws them\n"), "{log}");
    let end = log.split("4 of 8 cells failed:\n").nth(1).unwrap();
    assert!(end.lines().count() == 4 && end.starts_with("  zo.tau-1-zo.lr-0.01-s0: zo.tau = -1"), "{log}");
    // New points join those that are there.
    let more = swept(&place, &["small.toml", "--grid", "zo.tau=0.5", "--grid", "zo.lr=0.02,0.04"], 0);
    assert_eq!(each(&more, "status"), ["done", "done"]);
    assert_eq!(fs::read_dir(place.path("sweeps/small")).unwrap().count(), 4 + 2 + 1);
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
    let gone = "data = { name = \"npz\", path = \"gone.npz\" }\nmodel = { kind = \"mlp\", hidden = [4] }\n";
    fs::write(place.path("gone.toml"), gone).unwrap();
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
        // Once, not a cell each.
        (&["gone.toml", "--grid", "zo.tau=0.5,1", "--seeds", "0..4"], "gone.npz: cannot read"),
    ] {
        let output = sweep(&place, args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(message) && text.matches("error: ").count() == 1, "{args:?}: {text}");
        assert!(output.stdout.is_empty() && !place.path("sweeps").exists(), "{args:?}");
    }
}

#[test]
fn a_value_is_chosen_by_validation_samples() {
    let place = Place::new();
    let args = [
        "small.toml",
        "--grid",
        "zo.tau=0.5,0.75",
        "--grid",
        "zo.lr=0.001,0.1",
        "--seeds",
        "0..1",
        "--best",
        "zo.lr",
        "--jobs",
        "2",
    ];
    let result = swept(&place, &args, 0);
    let best = result["best"].as_array().unwrap();
    assert_eq!(best.len(), 2, "one of each tau: {best:?}");
    for (best, tau) in best.iter().zip(["0.5", "0.75"]) {
        // Of the two rows of this tau, that whose mean validation accuracy is higher.
        let mean = |lr: &str, key: &str| {
            let of = |seed: u32| {
                json(&place.path(&format!("sweeps/small/zo.tau-{tau}-zo.lr-{lr}-s{seed}/summary.json")))[key]
                    .as_f64()
                    .unwrap()
            };
            (of(0) + of(1)) / 2.0
        };
        let (low, high) = (mean("0.001", "validation_accuracy"), mean("0.1", "validation_accuracy"));
        let (lr, reached) = if high > low { ("0.1", high) } else { ("0.001", low) };
        assert_eq!(best["value"].as_f64().unwrap(), lr.parse::<f64>().unwrap(), "{best}: {low}, {high}");
        assert!((best["validation"]["mean"].as_f64().unwrap() - reached).abs() < 1e-12);
        assert!((best["final"]["mean"].as_f64().unwrap() - mean(lr, "final_accuracy")).abs() < 1e-12);
    }
    // 20 training samples of each class: two of each are held back, and no client has them.
    let run = place.path("sweeps/small/zo.tau-0.5-zo.lr-0.1-s0");
    assert!(fs::read_to_string(run.join("config.toml")).unwrap().contains("validation = 0.1"));
    let split = json(&run.join("split.json"));
    let held: u64 =
        split["clients"].as_array().unwrap().iter().map(|c| c["indices"].as_array().unwrap().len() as u64).sum();
    assert!(held <= 200 - 20, "{held}");
    assert!(metrics(&run).iter().any(|line| line["validation_accuracy"].is_f64() && line["validation_loss"].is_f64()));
    let output = sweep(&place, &args[..9]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("the test samples had no say") && text.contains("- zo.lr = "), "{text}");
    let output = sweep(&place, &["small.toml", "--grid", "zo.tau=1,2", "--best", "zo.lr"]);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("no row sets this key"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_job_array_runs_the_sweep() {
    let place = Place::new();
    let mut command = zowarmup();
    command.current_dir(place.dir.path()).args([
        "sweep",
        "small.toml",
        "--grid",
        "zo.tau=0.5,1",
        "--slurm",
        "--out",
        "all",
    ]);
    let output = command.args(FEW).output().unwrap();
    let script = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && script.contains("#SBATCH --array=1-2\n"), "{script}");
    assert!(!place.path("all").exists(), "nothing is run");
    for task in ["1", "2"] {
        let mut command = std::process::Command::new("sh");
        zowarmup().get_envs().for_each(|(key, value)| {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        });
        let output = command
            .current_dir(place.dir.path())
            .args(["-c", &script])
            .env("SLURM_ARRAY_TASK_ID", task)
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}: {}", stderr(&output));
    }
    for cell in ["zo.tau-0.5-s0", "zo.tau-1-s0"] {
        assert_eq!(json(&place.path(&format!("all/{cell}/summary.json")))["status"], "done");
    }
}

#[test]
fn several_devices_share_the_cells() {
    let place = Place::new();
    let args = ["small.toml", "--grid", "zo.tau=0.5,0.6,0.7,0.8", "--devices", "reference,reference", "--out", "all"];
    let result = swept(&place, &args, 0);
    assert_eq!(result["done"], 4);
    let summary = json(&place.path("all/zo.tau-0.8-s0/summary.json"));
    assert_eq!(summary["backend"], "reference");
    for (args, message) in [
        (&["--devices", "reference,no such device"][..], "matches no adapter"),
        (&["--devices", "reference", "--device", "reference"], "cannot be used with"),
        (&["--jobs", "0"], "0 is not in 1..=256"),
    ] {
        let output = sweep(&place, &[&["small.toml", "--grid", "zo.tau=0.5"], args].concat());
        assert!(output.status.code() == Some(2) && stderr(&output).contains(message), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_table_of_the_paper_is_run_small() {
    let place = Place::new();
    let reproduce = |args: &[&str]| {
        let mut command = zowarmup();
        command.current_dir(place.dir.path()).arg("reproduce").args(args).output().unwrap()
    };
    let few = ["--small", "--seeds", "0", "--set", "warmup.rounds=1", "--set", "zo.rounds=2", "--csv", "table6.csv"];
    let output = reproduce(&[&["table6"], &few[..]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let line = |name: &str| text.lines().find(|line| line.starts_with(&format!("| {name} "))).unwrap().to_owned();
    assert!(
        line("gaussian").ends_with("49.4 (7.7); 11.9 (2.9) |")
            && line("rademacher").ends_with("65.5 (5.2); 9.3 (1.4) |")
    );
    assert!(text.contains("\nPaper: table 6, CIFAR-10"), "{text}");
    // A line a run, with its seed.
    let csv = fs::read_to_string(place.path("table6.csv")).unwrap();
    assert!(csv.starts_with("dir,row,seed,status,") && csv.lines().count() == 3, "{csv}");
    assert!(csv.contains("\nreproductions/table6-digits/gaussian-s0,gaussian,0,done,"), "{csv}");
    let dir = place.path("reproductions/table6-digits");
    assert!(dir.join("report.html").is_file() && dir.join("configs/small/table6.toml").is_file());
    // A config that somebody has edited is replaced only when told.
    let base = dir.join("configs/digits.toml");
    let original = fs::read(&base).unwrap();
    fs::write(&base, "seed = 3\n").unwrap();
    let again = &few[..few.len() - 2];
    let output = reproduce(&[&["table6"], again].concat());
    assert!(output.status.code() == Some(2) && stderr(&output).contains("--force"), "{}", stderr(&output));
    assert_eq!(fs::read(&base).unwrap(), b"seed = 3\n");
    let output = reproduce(&[&["table6", "--force"], again].concat());
    assert!(output.status.success() && fs::read(&base).unwrap() == original, "{}", stderr(&output));
    for (args, message) in [
        (&["figure5"][..], "1.3 billion weights"),
        (&["table8"], "expected one of table1, table2"),
        (&["table2", "--seeds", "0", "--out", "elsewhere"], "data/cifar10"),
    ] {
        let output = reproduce(args);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(message), "{args:?}: {}", stderr(&output));
    }
}
