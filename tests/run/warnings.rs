//! Runs that fail without ending: their summaries say so.

use std::fs;

use serde_json::Value;

use super::common::*;

fn warnings(summary: &Value) -> Vec<String> {
    summary["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_whose_differences_are_all_zero_says_so() {
    let place = Place::new();
    let output = place.command("run", &["zo.epsilon=1e-12", "zo.rounds=12"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = warnings(&summary);
    assert_eq!(list.len(), 2, "{list:?}");
    assert!(list[0].contains("round 3") && list[0].contains("exactly zero"), "{list:?}");
    assert!(list[1].contains("round 12") && list[1].contains("for 10 rounds"), "{list:?}");
    assert!(list.iter().all(|warning| stderr(&output).contains(&format!("warning: {warning}"))));
    assert_eq!(summary["gain"], 0.0);
}

#[test]
fn a_run_whose_differences_are_mostly_rounding_says_so() {
    let place = Place::new();
    // Six clients, two probes: the 32 are there in the third round. What such steps change is below f32's spacing at the loss.
    let (dir, summary) = place.run_to("run", &["zo.epsilon=1e-9"], 0);
    let list = warnings(&summary);
    let told: Vec<_> = list.iter().filter(|w| w.contains("mostly rounding")).collect();
    assert!(told.len() == 1 && told[0].starts_with("round 5: ") && told[0].contains("zo.epsilon"), "{list:?}");
    // It is told again of a run that is read back, and once.
    let again: Value = serde_json::from_slice(
        &zowarmup().args(["resume", "--json", "--set", "zo.rounds=10"]).arg(&dir).output().unwrap().stdout,
    )
    .unwrap();
    assert_eq!(warnings(&again).iter().filter(|w| w.contains("mostly rounding")).count(), 1);
}

#[test]
fn a_run_that_loses_what_the_warmup_won_says_so() {
    let place = Place::new();
    let (dir, summary) = place.run_to("run", &["zo.lr=20", "warmup.rounds=20"], 0);
    let list = warnings(&summary);
    assert!(list.iter().any(|w| w.contains("more than 10 times the pivot's")), "{list:?}");
    assert!(list.iter().any(|w| w.contains("below the pivot's")), "{list:?}");
    let gain = summary["final_accuracy"].as_f64().unwrap() - summary["pivot_accuracy"].as_f64().unwrap();
    assert!(gain < 0.0 && summary["gain"].as_f64() == Some(gain));
    let text = String::from_utf8(zowarmup().arg("resume").arg(&dir).output().unwrap().stdout).unwrap();
    assert!(text.lines().any(|l| l.trim().starts_with("gain") && l.contains("points")), "{text}");
    assert!(text.lines().filter(|l| l.trim().starts_with("warning")).count() == list.len(), "{text}");
}

#[test]
fn a_good_run_has_no_warnings() {
    assert!(warnings(&summary(finished())).is_empty());
}

#[test]
fn weights_without_a_finite_loss_have_no_accuracy() {
    let place = Place::new();
    let mut list = tensors(&finished().join("final.safetensors"));
    list.iter_mut().for_each(|(.., values)| values.iter_mut().for_each(|v| *v *= 1e36));
    let path = place.path("huge.safetensors");
    write_tensors(&path, &list);
    for device in [&[][..], &["--device", "reference"]] {
        let mut command = zowarmup();
        command.args(["eval", "--json", "--weights"]).arg(&path).arg("--config").arg(place.path("small.toml"));
        let output = command.args(device).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(scores["loss"].is_null() && scores["accuracy"].is_null(), "{scores}");
        assert!(scores["per_class"].as_array().unwrap().iter().all(|class| class["accuracy"].is_null()));
        assert!(stderr(&output).contains("huge.safetensors") && stderr(&output).contains("not finite"));
    }
}

#[test]
fn the_pivots_figures_are_those_of_its_file() {
    let run = finished();
    let eval = |file: &str| {
        let mut command = zowarmup();
        command.args(["eval", "--json", "--config"]).arg(run.join("config.toml"));
        let output = command.arg("--weights").arg(run.join(file)).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let (summary, pivot, last) = (summary(run), eval("pivot.safetensors"), eval("final.safetensors"));
    assert_eq!((&summary["pivot_loss"], &summary["pivot_accuracy"]), (&pivot["loss"], &pivot["accuracy"]));
    assert_eq!((&summary["final_loss"], &summary["final_accuracy"]), (&last["loss"], &last["accuracy"]));
    assert!(fs::read_to_string(run.join("ledger.jsonl")).unwrap().contains("pivot.safetensors"));
}
