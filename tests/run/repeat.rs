//! A run repeats bit for bit, whole or in chunks.

use super::common::*;

#[test]
fn a_run_and_its_written_config_repeat_bit_for_bit() {
    let place = Place::new();
    assert_same(finished(), &place.run("again", &[]));
    // The complete config in the folder is the same run.
    let out = place.path("from-config");
    let output = zowarmup()
        .arg("run")
        .arg(finished().join("config.toml"))
        .arg("--out")
        .arg(&out)
        .arg("--json")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(finished(), &out);
}

#[test]
fn a_small_memory_budget_changes_no_bit() {
    let place = Place::new();
    // What stays on the device and the tables of a round take most of the smaller one.
    for budget in ["160KiB", "400KiB"] {
        let dir = place.run(budget, &[&format!("device.memory_budget={budget}")]);
        assert_same(finished(), &dir);
    }
}

#[test]
fn another_seed_is_another_run() {
    let place = Place::new();
    let dir = place.run("other", &["seed=12"]);
    for file in ["init.safetensors", "final.safetensors", "split.json"] {
        assert_ne!(std::fs::read(finished().join(file)).unwrap(), std::fs::read(dir.join(file)).unwrap(), "{file}");
    }
}
