//! `zowarmup probe` on runs and configs.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::common::*;

fn probe(args: &[&str], subject: &Path) -> std::process::Output {
    zowarmup().arg("probe").args(args).arg(subject).output().unwrap()
}

fn json(args: &[&str], subject: &Path) -> Value {
    let output = probe(&[args, &["--json"]].concat(), subject);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_runs_weights_are_looked_at_where_they_are_asked_for() {
    let (run, place) = (finished(), Place::new());
    let before = fs::read_dir(run).unwrap().count();
    let csv = place.path("rows.csv");
    let few = ["--draws", "4", "--probes", "2,4", "--sides", "1", "--product"];
    let pivot = json(&[&few[..], &["--csv", csv.to_str().unwrap()]].concat(), run);
    assert_eq!((pivot["at"].as_str(), pivot["params"].as_u64()), (Some("pivot"), Some(PARAMS)));
    assert_eq!(pivot["clients"].as_u64(), Some(CLIENTS));
    let rows = pivot["rows"].as_array().unwrap();
    // The config's own row, and two of one side.
    let keys = |row: &Value| (row["probes"].as_u64().unwrap(), row["sides"].as_u64().unwrap());
    assert_eq!(rows.iter().map(keys).collect::<Vec<_>>(), [(2, 2), (2, 1), (4, 1)]);
    for row in rows {
        let cosine = row["cosine"].as_f64().unwrap();
        assert!(cosine > 0.0 && cosine < 1.0 && row["epsilon"] == 1e-3 && row["precision"] == "f32", "{row}");
        // 1,210 weights and six clients: estimates of few probes are mostly variance.
        assert!(row["variance"].as_f64().unwrap() > 10.0 && row["dl_noise"].as_f64().unwrap() < 1e-2, "{row}");
    }
    let names: Vec<&str> = pivot["layers"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
    // The CSV has the rows under their keys.
    let text = fs::read_to_string(&csv).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    for (row, cells) in rows.iter().zip(lines) {
        assert_eq!((cells.len(), row.as_object().unwrap().len()), (head.len(), head.len()));
        for (key, cell) in head.iter().zip(cells) {
            match &row[key] {
                Value::String(text) => assert_eq!(text, cell),
                value => assert_eq!(value.as_f64().unwrap(), cell.parse::<f64>().unwrap(), "{key}"),
            }
        }
    }
    // The loss falls along the run; the same command gives the same figures.
    let at = |at: &str| json(&[&few[..2], &["--epsilon", "1e-3", "--at", at]].concat(), run);
    let (init, last) = (at("init"), at("final"));
    assert!(init["loss"].as_f64() > pivot["loss"].as_f64() && pivot["loss"].as_f64() > last["loss"].as_f64());
    assert_eq!(last, at("final"));
    assert_eq!(fs::read_dir(run).unwrap().count(), before, "the run's folder is only read");
}

#[test]
fn a_config_starts_where_its_run_does() {
    let place = Place::new();
    let config = place.path("small.toml");
    let few = ["--draws", "2", "--clients", "2", "--set", "zo.tau=0.5", "--epsilon", "1e-3"];
    let report = json(&few, &config);
    assert_eq!((report["at"].as_str(), report["clients"].as_u64()), (Some("init"), Some(2)));
    assert_eq!(report["rows"][0]["tau"], 0.5);
    assert_eq!(report["gradient_norm"], json(&[&few[..], &["--at", "init"]].concat(), finished())["gradient_norm"]);
    let output = probe(&few, &config);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["1,210 weights at init", "trace of the Hessian", "cosine", "layers.1.bias", "suggested: zo.epsilon"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn wrong_requests_are_refused() {
    let place = Place::new();
    let (config, run) = (place.path("small.toml"), finished());
    let cases: [(&[&str], &Path, &str); 8] = [
        (&["--at", "pivot"], &config, "a config has only its initial weights"),
        (&["--draws", "4", "--probes", "5"], &config, "--draws 4: estimates of 5 probes"),
        (&["--epsilon", "0"], &config, "greater than 0"),
        (&["--sides", "3"], &config, "1..=2"),
        (&["--distribution", "normal"], &config, "expected rademacher"),
        (&["--set", "split.clients=2"], run, "only keys of zo and device"),
        (&["--csv", run.join("config.toml").to_str().unwrap()].map(|s| &*s.to_owned().leak()), run, "never replaced"),
        (&[], place.dir.path(), "config.toml"),
    ];
    for (args, subject, part) in cases {
        let output = probe(args, subject);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
    }
}
