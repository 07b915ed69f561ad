//! Runs on data of one's own: floats that are normalised by themselves, and the partition of another run.

use std::path::Path;

use super::common::*;

#[test]
fn floats_run_and_the_stored_config_repeats_the_run() {
    let place = Place::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/floats.npz");
    let path = format!("data.path={}", path.display());
    let mut sets = vec!["data.name=npz", path.as_str(), "data.train_limit=0", "data.test_limit=0", "split.clients=2"];
    sets.push("split.kind=iid");
    let first = place.run("first", &sets);
    let config = std::fs::read_to_string(first.join("config.toml")).unwrap();
    let numbers = config.lines().find(|line| line.starts_with("mean = [")).unwrap();
    assert_eq!(numbers.matches(',').count(), 1, "{numbers}");
    let again = place.path("again");
    let status = zowarmup().arg("run").arg(first.join("config.toml")).arg("--out").arg(&again).arg("--json").output();
    assert!(status.unwrap().status.success());
    assert_same(&first, &again);
    // Its partition, whatever seed and number of clients the config would have.
    let file = format!("split.file={}", first.join("split.json").display());
    sets.splice(4.., ["split.clients=9", "split.kind=file", "seeds.split=99", file.as_str()]);
    let taken = place.run("taken", &sets);
    assert_same(&first, &taken);
    let config = std::fs::read_to_string(taken.join("config.toml")).unwrap();
    assert!(config.lines().any(|line| line == "clients = 2"), "{config}");
}
