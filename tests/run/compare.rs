//! `zowarmup compare`: methods side by side, their figures those of the runs' folders.

use std::fs;
use std::process::Output;

use serde_json::Value;

use super::common::*;

fn compare(place: &Place, args: &[&str]) -> Output {
    let mut command = zowarmup();
    command.current_dir(place.dir.path()).arg("compare").arg("small.toml").args(args);
    command.output().unwrap()
}

fn compared(place: &Place, args: &[&str], status: i32) -> Value {
    let output = compare(place, &[args, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(status), "{args:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn figures_are_those_of_the_runs() {
    let place = Place::new();
    let result = compared(&place, &["--seeds", "0..1", "--set", "zo.rounds=4"], 0);
    let rows = result["rows"].as_array().unwrap();
    let methods: Vec<&str> = rows.iter().map(|row| row["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["zowarmup", "high-res-only", "fedavg-all", "heterofl"]);
    let dir = place.path(result["dir"].as_str().unwrap());
    assert_eq!(dir, place.path("comparisons/small"));
    for row in rows {
        let summaries =
            [0, 1].map(|seed| json(&dir.join(format!("{}-s{seed}/summary.json", row["method"].as_str().unwrap()))));
        let of = |key: &str| summaries.each_ref().map(|s| s[key].as_f64().unwrap());
        // Two values: their mean, and their distance over the root of two.
        let agrees = |spread: &Value, key: &str| {
            let [a, b] = of(key);
            let (mean, sd) = (spread["mean"].as_f64().unwrap(), spread["sd"].as_f64().unwrap());
            assert!((mean - (a + b) / 2.0).abs() < 1e-12, "{key}: {spread}, {a}, {b}");
            assert!((sd - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12, "{key}: {spread}, {a}, {b}");
        };
        agrees(&row["final"], "final_accuracy");
        // All of this method's clients are high-resource ones.
        if row["method"] == "fedavg-all" {
            assert!(row["low_clients"].is_null(), "{row}");
        } else {
            agrees(&row["low_clients"], "final_low_accuracy");
        }
        agrees(&row["high_clients"], "final_high_accuracy");
        agrees(&row["worst_tenth"], "final_worst_tenth_accuracy");
        if row["method"] == "zowarmup" {
            agrees(&row["pivot"], "pivot_accuracy");
            agrees(&row["gain"], "gain");
        } else {
            assert!(row["pivot"].is_null() && row["gain"].is_null(), "{row}");
        }
        // Bytes are those of a client over the run.
        for key in ["uplink_bytes", "downlink_bytes"] {
            let [a, b] = of(key);
            assert_eq!(row[key].as_f64().unwrap(), ((a + b) / 2.0 / CLIENTS as f64).round(), "{key}");
        }
    }
    let memory = |row: usize| rows[row]["client_memory_bytes"].as_u64().unwrap();
    let cost = |preset: &str, phase: &str| {
        let config = format!("{preset}.toml");
        let text = zowarmup()
            .args(["config", "small.toml", "--preset", preset])
            .current_dir(place.dir.path())
            .output()
            .unwrap();
        fs::write(place.path(&config), text.stdout).unwrap();
        let output = zowarmup().args(["cost", &config, "--json"]).current_dir(place.dir.path()).output().unwrap();
        let cost: Value = serde_json::from_slice(&output.stdout).unwrap();
        cost[phase]["formula_memory_bytes"].as_u64().unwrap()
    };
    assert_eq!(memory(0), cost("zowarmup", "zo"));
    assert_eq!((memory(1), memory(2)), (cost("high-res-only", "warmup"), cost("fedavg-all", "warmup")));
    assert_eq!(memory(3), cost("heterofl", "sub_network"));
    // The first difference is that of the first two methods, seed by seed.
    let last = |method: &str, seed: u32| {
        json(&dir.join(format!("{method}-s{seed}/summary.json")))["final_accuracy"].as_f64().unwrap()
    };
    let apart = [0, 1].map(|seed| last("zowarmup", seed) - last("high-res-only", seed));
    let difference = &result["differences"][0];
    assert_eq!((&difference["method"], &difference["less"]), (&"zowarmup".into(), &"high-res-only".into()));
    assert!((difference["mean"].as_f64().unwrap() - (apart[0] + apart[1]) / 2.0).abs() < 1e-12, "{difference}");
    // Two pairs: half their distance times t of one degree of freedom, 12.7062.
    let reach = (difference["high"].as_f64().unwrap() - difference["low"].as_f64().unwrap()) / 2.0;
    assert!((reach - 12.7062 * (apart[0] - apart[1]).abs() / 2.0).abs() < 1e-4, "{difference}");
    assert_eq!(result["differences"].as_array().unwrap().len(), 6);
    // The files say the same, and the report is there.
    let report = fs::read_to_string(dir.join("report.md")).unwrap();
    assert!(report.starts_with("# Methods on small.toml\n") && report.contains("| heterofl "), "{report}");
    assert!(fs::read_to_string(dir.join("report.html")).unwrap().contains("<svg "));
    assert_eq!(json(&dir.join("compare.json")), result);
    let csv = fs::read_to_string(dir.join("compare.csv")).unwrap();
    let (head, first) = (csv.lines().next().unwrap(), csv.lines().nth(1).unwrap());
    let column = |key: &str| {
        let place = head.split(',').position(|name| name == key).unwrap();
        first.split(',').nth(place).unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(column("final"), rows[0]["final"]["mean"].as_f64().unwrap());
    assert_eq!(column("gain_sd"), rows[0]["gain"]["sd"].as_f64().unwrap());
    assert_eq!(column("uplink_bytes"), rows[0]["uplink_bytes"].as_f64().unwrap());

    // Again: nothing is run; the table is that of the file.
    let output = compare(&place, &["--seeds", "0..1", "--set", "zo.rounds=4"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(!stderr(&output).contains(" rounds"), "{}", stderr(&output));
    assert_eq!(text, fs::read_to_string(dir.join("compare.md")).unwrap());
    let last = 100.0 * rows[0]["final"]["mean"].as_f64().unwrap();
    assert!(text.lines().nth(2).unwrap().contains(&format!(" {last:.1} (")), "{text}");
    assert!(
        text.lines().nth(3).unwrap().starts_with("| high-res-only |")
            && text.lines().nth(3).unwrap().contains("|       - |"),
        "{text}"
    );
}

#[test]
fn methods_that_differ_after_the_pivot_share_the_warm_up_and_a_diverged_one_is_in_no_mean() {
    let place = Place::new();
    let methods = ["--methods", "zowarmup,feedsign", "--seeds", "3", "--set", "zo.rounds=2", "--out", "both"];
    let result = compared(&place, &methods, 0);
    assert_eq!(fs::read_dir(place.path("both/warmups")).unwrap().count(), 1);
    let rows = result["rows"].as_array().unwrap();
    assert_eq!(rows[0]["pivot"], rows[1]["pivot"]);
    assert!(rows[0]["final"]["sd"].is_null(), "one run has no deviation");
    let args = ["--methods", "zowarmup", "--seeds", "3", "--set", "warmup.client_lr=1e30", "--out", "diverged"];
    let result = compared(&place, &args, 0);
    let row = &result["rows"][0];
    assert_eq!((&row["seeds"], &row["diverged"]), (&0.into(), &1.into()));
    assert!(row["final"].is_null() && row["uplink_bytes"].is_null());
}

#[test]
fn an_unknown_method_is_one_error() {
    let place = Place::new();
    for (args, message) in [
        (&["--methods", "zowarmup,fedavg"][..], "unknown preset `fedavg`"),
        (&["--methods", "zowarmup,zowarmup"], "zowarmup is named twice"),
        (&["--seeds", "x"], "--seeds \"x\": expected"),
    ] {
        let output = compare(&place, args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(message) && output.stdout.is_empty(), "{args:?}: {text}");
    }
    assert!(!place.path("comparisons").exists());
}

#[test]
fn a_target_is_told_with_the_bytes_that_it_takes() {
    let place = Place::new();
    let args = ["--methods", "zowarmup", "--seeds", "0..1", "--target", "0.15", "--set", "zo.rounds=4", "--jobs", "2"];
    let result = compared(&place, &args, 0);
    let reached: Vec<(f64, f64)> = [0, 1]
        .iter()
        .filter_map(|seed| {
            let lines = metrics(&place.path(&format!("comparisons/small/zowarmup-s{seed}")));
            let at = lines.iter().position(|line| line["test_accuracy"].as_f64().is_some_and(|a| a >= 0.15))?;
            let bytes: f64 = lines[..=at].iter().map(|line| line["uplink_bytes"].as_f64().unwrap()).sum();
            Some((at as f64 + 1.0, bytes / CLIENTS as f64))
        })
        .collect();
    let row = &result["rows"][0];
    assert_eq!(row["target_reached"], reached.len());
    assert!(!reached.is_empty(), "no run reaches 15 %");
    let n = reached.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| reached.iter().map(of).sum::<f64>() / n;
    assert!((row["target_rounds"]["mean"].as_f64().unwrap() - mean(|r| r.0)).abs() < 1e-12);
    assert_eq!(row["target_uplink_bytes"].as_f64().unwrap(), mean(|r| r.1).round());
    let output = compare(&place, &[&args[..4], &["--target", "1.5"]].concat());
    assert!(output.status.code() == Some(2) && stderr(&output).contains("at most 1"), "{}", stderr(&output));
}
