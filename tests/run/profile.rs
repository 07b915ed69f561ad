//! `profile`.

use serde_json::Value;

use super::common::{Place, json, stderr, zowarmup};

fn profile(place: &Place, more: &[&str]) -> std::process::Output {
    zowarmup().arg("profile").arg(place.path("small.toml")).args(more).output().unwrap()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn kernels_add_up_to_their_phase_and_the_trace_holds_every_launch() {
    let place = Place::new();
    let trace = place.path("trace.json");
    let file = trace.to_str().unwrap();
    let output = profile(&place, &["--rounds", "2", "--json", "--trace", file]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let phases = report["phases"].as_array().unwrap();
    let names: Vec<_> = phases.iter().map(|p| (p["phase"].as_str().unwrap(), p["rounds"].as_u64().unwrap())).collect();
    assert_eq!(names, [("warmup", 2), ("zo", 2), ("eval", 1)]);
    let mut launches = 0;
    for phase in phases {
        let of = |key: &str| -> f64 {
            let rows = report["kernels"].as_array().unwrap().iter().filter(|k| k["phase"] == phase["phase"]);
            rows.map(|k| number(k, key)).sum()
        };
        let device = number(phase, "device_seconds");
        assert!(device > 0.0 && (of("seconds") - device).abs() <= 1e-9 * device, "{phase}");
        assert!((of("share") - 1.0).abs() < 1e-9, "{phase}");
        let parts = device + number(phase, "compile_seconds") + number(phase, "host_seconds");
        assert!(number(phase, "seconds") <= parts + 1e-9, "{phase}");
        launches += phase["dispatches"].as_u64().unwrap();
    }
    let kernels = report["kernels"].as_array().unwrap();
    let counted: u64 = kernels
        .iter()
        .filter(|k| !k["kernel"].as_str().unwrap().starts_with('('))
        .map(|k| k["count"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, launches);
    assert!(kernels.iter().any(|k| number(k, "gflop_s") > 0.0 && number(k, "gb_s") > 0.0));

    // Chrome's format: complete events on named tracks, in microseconds.
    let written = json(&trace);
    let events = written["traceEvents"].as_array().unwrap();
    let complete: Vec<&Value> = events.iter().filter(|e| e["ph"] == "X").collect();
    assert!(complete.iter().all(|e| e["name"].is_string() && number(e, "ts") >= 0.0 && number(e, "dur") >= 0.0));
    let with_grid = complete.iter().filter(|e| e["args"]["grid"].is_array()).count() as u64;
    assert_eq!(with_grid, launches);
    let tracks: Vec<&str> =
        events.iter().filter(|e| e["name"] == "thread_name").map(|e| e["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(tracks.len(), 3);
    let end = |e: &Value| number(e, "ts") + number(e, "dur");
    for phase in complete.iter().filter(|e| e["tid"] == 3) {
        assert!(
            complete.iter().any(|e| e["tid"] == 1 && number(e, "ts") >= number(phase, "ts") && end(e) <= end(phase))
        );
    }

    let again = profile(&place, &["--rounds", "1", "--trace", file]);
    assert!(again.status.code() == Some(2) && stderr(&again).contains("--force"), "{}", stderr(&again));
}

#[test]
fn a_profile_for_people_names_kernels_and_the_clock() {
    let place = Place::new();
    let output = profile(&place, &["--rounds", "1", "--cold", "--device", "reference", "--set", "warmup.rounds=0"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("zo: ") && !text.contains("warmup: ") && text.contains("host's clock"), "{text}");
    assert!(text.contains("mlp_forward"), "{text}");
}
