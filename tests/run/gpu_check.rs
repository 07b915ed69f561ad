//! `tools/gpu-check.sh`: its file is whole whatever happens.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::common::{json, stderr, zowarmup};

/// Runs the script with the steps named; what it wrote.
fn check(dir: &TempDir, steps: &str, variable: Option<(&str, &str)>) -> (Output, Value) {
    let out = dir.path().join("check.json");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/gpu-check.sh");
    let mut command = Command::new("bash");
    // The device of the tests, as every child has it.
    zowarmup().get_envs().filter_map(|(name, value)| Some((name, value?))).for_each(|(name, value)| {
        command.env(name, value);
    });
    command.arg(script).arg(&out).env("ZOWARMUP", env!("CARGO_BIN_EXE_zowarmup")).env("GPU_CHECK_SMALL", "1");
    command.env("GPU_CHECK_STEPS", steps).env("PYTHON", "no such interpreter").env("TMPDIR", dir.path());
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    (output, json(&out))
}

#[test]
fn every_step_is_recorded_with_its_result() {
    let dir = tempfile::tempdir().unwrap();
    let (output, found) = check(&dir, "devices replay data", None);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(found["gpu_check"], 1);
    assert!(found["program"].as_str().unwrap().starts_with("zowarmup ") && found["small"] == true);
    let steps = found["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| (step["name"].as_str().unwrap(), &step["passed"])).collect();
    assert_eq!(names, [("devices", &Value::Bool(true)), ("replay", &Value::Bool(true)), ("data", &Value::Bool(true))]);
    assert!(steps[0]["result"]["adapters"].is_array() && steps[1]["result"]["matches"] == true);
    assert!(steps.iter().all(|step| step["seconds"].is_f64() && step["command"].is_string()), "{found}");
    // Its working folder is gone.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_step_that_fails_is_recorded_and_the_next_begins() {
    let dir = tempfile::tempdir().unwrap();
    let (output, found) = check(&dir, "devices data", Some(("ZOWARMUP_TIER", "\"bogus\"\ttier")));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let steps = found["steps"].as_array().unwrap();
    assert!(steps[0]["passed"] == false && steps[0]["status"] == 2 && steps[0]["result"].is_null(), "{found}");
    assert!(steps[0]["error"].as_str().unwrap().contains("ZOWARMUP_TIER"), "{found}");
    assert!(steps[1]["passed"] == true && steps[1]["result"]["training"] == 120, "{found}");
}
