//! `eval.groups`: what a model means to groups of clients, in the run's files, in `resume` and in `eval --split`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::common::*;

const GROUPS: &str = "eval.groups=true";

fn eval(dir: &Path, weights: &str, split: Option<&Path>) -> std::process::Output {
    let mut command = zowarmup();
    command.args(["eval", "--json", "--device", "reference", "--config"]).arg(dir.join("config.toml"));
    command.arg("--weights").arg(dir.join(weights));
    if let Some(split) = split {
        command.arg("--split").arg(split);
    }
    command.output().unwrap()
}

fn evaluated(dir: &Path, weights: &str) -> Value {
    let output = eval(dir, weights, Some(&dir.join("split.json")));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The means by hand, from split.json and the accuracies of the classes.
fn by_hand(dir: &Path, classes: &[f64]) -> [f64; 3] {
    let split = json(&dir.join("split.json"));
    let mut sums = [(0.0, 0.0); 2];
    let mut lowest = f64::INFINITY;
    for client in split["clients"].as_array().unwrap() {
        let n = client["indices"].as_array().unwrap().len() as f64;
        let counts = client["histogram"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap());
        let accuracy = counts.zip(classes).map(|(count, accuracy)| count / n * accuracy).sum::<f64>();
        let sum = &mut sums[usize::from(client["high"].as_bool().unwrap())];
        *sum = (sum.0 + n * accuracy, sum.1 + n);
        lowest = lowest.min(accuracy);
    }
    // Six clients: a tenth of them is one.
    [sums[0].0 / sums[0].1, sums[1].0 / sums[1].1, lowest]
}

#[test]
fn groups_are_in_metrics_summary_and_eval() {
    let place = Place::new();
    let (dir, summary) = place.run_to("run", &[GROUPS], 0);
    for (weights, when) in [("pivot.safetensors", "pivot"), ("final.safetensors", "final")] {
        let found = evaluated(&dir, weights);
        let per_class = found["per_class"].as_array().unwrap();
        let classes: Vec<f64> = per_class.iter().map(|c| c["accuracy"].as_f64().unwrap()).collect();
        for (key, expected) in ["low", "high", "worst_tenth"].into_iter().zip(by_hand(&dir, &classes)) {
            let of =
                |object: &Value, name: String| object[&name].as_f64().unwrap_or_else(|| panic!("no {name}: {object}"));
            let evaluated = of(&found, format!("{key}_accuracy"));
            assert!((evaluated - expected).abs() < 1e-12, "{when} {key}: {evaluated}, by hand {expected}");
            assert_eq!(of(&summary, format!("{when}_{key}_accuracy")), evaluated, "{when} {key}");
        }
        assert_eq!(found["per_client"].as_array().unwrap().len() as u64, CLIENTS);
    }
    // Evaluated rounds have all of them, others none; nothing else has changed.
    let mut lines = metrics(&dir);
    for line in &lines {
        let evaluated = line["test_accuracy"].is_number();
        for key in ["low_accuracy", "high_accuracy", "worst_tenth_accuracy"] {
            assert_eq!(line[key].is_number(), evaluated, "{line}");
        }
        assert_eq!(line["class_accuracy"].as_array().map(Vec::len), evaluated.then_some(10), "{line}");
    }
    let plain = metrics(finished());
    for (line, plain) in lines.iter_mut().zip(&plain) {
        for key in ["low_accuracy", "high_accuracy", "worst_tenth_accuracy", "class_accuracy"] {
            assert!(plain[key].is_null());
            line[key] = Value::Null;
        }
    }
    assert_eq!(lines, plain);
    let text = zowarmup().arg("resume").arg(&dir).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    let percent = |key: &str| format!("{:.1}", 100.0 * summary[key].as_f64().unwrap());
    let line = format!("low clients {} -> {} %", percent("pivot_low_accuracy"), percent("final_low_accuracy"));
    assert!(text.contains(&line), "{text}");
}

#[test]
fn a_resumed_run_has_the_same_groups() {
    let place = Place::new();
    let whole = place.path("whole");
    let start = zowarmup::fed::run::start;
    start(&config(&place, &[GROUPS]), Some(&whole), &twins(), &mut zowarmup::fed::observer::Silent).unwrap();
    for rounds in [2, 3, 7] {
        let cut = stopped(&place, &format!("cut-{rounds}"), &[GROUPS], rounds);
        resumed(&cut, &[]).unwrap();
        assert_same(&whole, &cut);
    }
    // Without a warm-up the pivot is evaluated by itself.
    let sets = [GROUPS, "warmup.rounds=0"];
    let whole = place.path("no-warmup");
    start(&config(&place, &sets), Some(&whole), &twins(), &mut zowarmup::fed::observer::Silent).unwrap();
    let cut = stopped(&place, "cut", &sets, 4);
    resumed(&cut, &[]).unwrap();
    assert_same(&whole, &cut);
    assert!(json(&whole.join("summary.json"))["pivot_low_accuracy"].is_number());
}

#[test]
fn another_partition_is_refused_by_name() {
    let place = Place::new();
    let dir = place.path("run");
    copy_folder(finished(), &dir);
    assert!(
        serde_json::from_slice::<Value>(&eval(&dir, "final.safetensors", None).stdout)
            .unwrap()
            .get("per_client")
            .is_none()
    );
    let split = place.path("other.json");
    let text = fs::read_to_string(dir.join("split.json")).unwrap();
    fs::write(&split, text.replace("\"classes\":10", "\"classes\":9")).unwrap();
    let refused = |split: &Path, word: &str| {
        let output = eval(&dir, "final.safetensors", Some(split));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    };
    refused(&split, "histogram");
    refused(&place.path("nowhere.json"), "nowhere.json");
    // A whole partition of another seed, in the place of the run's.
    let other = place.run("other", &["seed=12"]);
    fs::copy(other.join("split.json"), dir.join("split.json")).unwrap();
    refused(&dir.join("split.json"), "split.json: content: expected SHA-256");
}
