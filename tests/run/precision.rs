//! Runs whose products are of f16: matrices that plain code multiplies, on the CPU twins.

use std::path::{Path, PathBuf};

use zowarmup::device::Selection;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::{FedError, Observer, Summary, check, run};
use zowarmup::ledger::Ledger;

use super::common::*;

/// Two hidden layers: one kernel computes a model with one, and in f32.
const DEEP: &str = "model.hidden=[16,12]";

/// What a config names, on the twins.
fn started_with(
    place: &Place,
    out: &str,
    sets: &[&str],
    observer: &mut dyn Observer,
) -> (PathBuf, Result<Summary, FedError>) {
    let (dir, config) = (place.path(out), config(place, &[sets, &[DEEP]].concat()));
    let selection = Selection { emulated_matrices: true, ..twins().with_precision(config.device.precision) };
    let summary = run::start(&config, Some(&dir), &selection, observer);
    (dir, summary)
}

fn started(place: &Place, out: &str, sets: &[&str]) -> (PathBuf, Result<Summary, FedError>) {
    started_with(place, out, sets, &mut Silent)
}

fn header(dir: &Path) -> zowarmup::ledger::Header {
    Ledger::read(&dir.join("ledger.jsonl")).unwrap().header
}

#[test]
fn the_error_of_f16_is_measured_and_noted() {
    let place = Place::new();
    let (f32, exact) = started(&place, "f32", &[]);
    let exact = exact.unwrap();
    assert_eq!((exact.precision.as_str(), exact.dl_error, exact.skipped_steps), ("f32", None, None));
    assert!(metrics(&f32).iter().all(|line| line["loss_scale"].is_null() && line["skipped_steps"].is_null()));
    assert_eq!((header(&f32).precision, header(&f32).dl_error), (None, None));
    let mut errors = Vec::new();
    for (precision, epsilon) in [("f16", "1e-2"), ("f16x3", "1e-3")] {
        let sets = [&format!("device.precision={precision}")[..], &format!("zo.epsilon={epsilon}")];
        let (dir, summary) = started(&place, precision, &sets);
        let summary = summary.unwrap();
        let error = summary.dl_error.unwrap();
        assert_eq!(summary.precision, precision);
        assert_eq!((header(&dir).precision.as_deref(), header(&dir).dl_error), (Some(precision), Some(error)));
        assert_eq!(metrics(&dir)[WARMUP]["dl_error"], error);
        assert!(metrics(&dir)[WARMUP + 1]["dl_error"].is_null());
        // Local steps have a scale, which nothing overflows with.
        for (round, line) in metrics(&dir).iter().enumerate() {
            let expected = if round < WARMUP { (Some(0), Some(32_768.0)) } else { (None, None) };
            assert_eq!((line["skipped_steps"].as_u64(), line["loss_scale"].as_f64()), expected, "{round}");
        }
        assert_eq!(summary.skipped_steps, Some(0));
        assert!(summary.warnings.iter().all(|text| !text.contains("precision")), "{:?}", summary.warnings);
        assert!(check::check(&dir).unwrap().passed);
        errors.push(error);
    }
    // Operands are off by 2^-12 or so of themselves, and a probe moves weights by a hundred times that. Split ones are f32 to the twins.
    assert!(errors[0] > 1e-4 && errors[0] < 0.05, "{errors:?}");
    assert_eq!(errors[1], 0.0);
}

#[test]
fn an_epsilon_that_f16_swallows_is_refused_and_a_fork_goes_on() {
    let place = Place::new();
    let sets = ["device.precision=f16", "zo.epsilon=1e-5"];
    let (dir, refused) = started(&place, "run", &sets);
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("device.precision = \"f16\"") && text.contains("zowarmup fork"), "{text}");
    assert!(dir.join("pivot.safetensors").exists() && !dir.join("ledger.jsonl").exists());
    // The pivot is the very one that a larger epsilon begins at.
    let fork = place.path("fork");
    let larger = ["zo.epsilon=1e-2".to_owned()];
    let output = zowarmup()
        .env("ZOWARMUP_MATRICES", "emulated")
        .args(["fork", "--device", "reference", "--set", &larger[0], "--out"])
        .arg(&fork)
        .arg(&dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let (whole, summary) = started(&place, "whole", &["device.precision=f16", "zo.epsilon=1e-2"]);
    summary.unwrap();
    assert_same(&whole, &fork);
}

#[test]
fn a_run_in_f16_goes_on_with_its_bits() {
    let place = Place::new();
    let sets = ["device.precision=f16", "zo.epsilon=1e-2"];
    let (whole, summary) = started(&place, "whole", &sets);
    summary.unwrap();
    for rounds in [WARMUP - 1, WARMUP + 2] {
        let (dir, _) = started_with(&place, &format!("stopped-{rounds}"), &sets, &mut StopAfter(rounds));
        let output = zowarmup()
            .env("ZOWARMUP_MATRICES", "emulated")
            .args(["resume", "--device", "reference"])
            .arg(&dir)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_same(&whole, &dir);
    }
}

#[test]
fn a_device_without_matrices_says_so() {
    let place = Place::new();
    let config = config(&place, &["device.precision=f16", DEEP]);
    let selection = twins().with_precision(config.device.precision);
    let summary = run::start(&config, Some(&place.path("run")), &selection, &mut Silent).unwrap();
    assert!(summary.warnings.iter().any(|text| text.contains("products are f32")), "{:?}", summary.warnings);
    assert_eq!((summary.precision.as_str(), summary.dl_error), ("f16", Some(0.0)));
}

#[test]
fn a_model_of_one_launch_is_f32_in_each_precision_and_says_so() {
    let place = Place::new();
    let (dir, config) = (place.path("run"), config(&place, &["device.precision=f16", "model.hidden=[16]"]));
    let selection = Selection { emulated_matrices: true, ..twins().with_precision(config.device.precision) };
    let summary = run::start(&config, Some(&dir), &selection, &mut Silent).unwrap();
    assert!(summary.warnings.iter().any(|text| text.contains("one launch, of f32")), "{:?}", summary.warnings);
    assert_eq!((summary.precision.as_str(), summary.dl_error), ("f32", None));
    assert_eq!((header(&dir).precision, header(&dir).dl_error), (None, None));
    let ways = std::fs::read_to_string(dir.join("ways.json")).unwrap_or_default();
    assert!(!ways.contains("matrix"), "{ways}");
    assert!(check::check(&dir).unwrap().passed);
}
