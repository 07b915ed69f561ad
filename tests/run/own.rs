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

#[test]
fn clients_that_the_data_name_are_the_clients_of_the_run() {
    let place = Place::new();
    let csv = place.path("visits.csv");
    let row = |i: usize| {
        format!("{},{},{},{}\n", i % 7, (i * i) % 11, ["no", "yes"][i / 3 % 2], ["icu", "ward 2", "ward 10"][i % 3])
    };
    std::fs::write(&csv, "age,score,label,unit\n".to_owned() + &(0..60).map(row).collect::<String>()).unwrap();
    let path = format!("data.path={}", csv.display());
    let data = ["data.name=csv", path.as_str(), "data.train_limit=0", "data.test_limit=0", "data.client=unit"];
    let natural = [&data[..], &["split.kind=natural", "split.clients=0"]].concat();
    let first = place.run("first", &natural);
    let config = std::fs::read_to_string(first.join("config.toml")).unwrap();
    for line in ["clients = 3", "client = \"unit\"", "kind = \"natural\"", "high_share = 0.34"] {
        assert!(config.lines().any(|l| l == line), "{line}: {config}");
    }
    let split: serde_json::Value = serde_json::from_slice(&std::fs::read(first.join("split.json")).unwrap()).unwrap();
    let sizes: Vec<usize> = (0..3).map(|i| split["clients"][i]["indices"].as_array().unwrap().len()).collect();
    assert_eq!((sizes, split["leftover"].as_array().unwrap().len()), (vec![16, 16, 16], 0));
    let high = split["clients"].as_array().unwrap().iter().filter(|client| client["high"] == true).count();
    assert_eq!(high, 1);
    // What was stored repeats the run.
    let again = place.path("again");
    let status = zowarmup().arg("run").arg(first.join("config.toml")).arg("--out").arg(&again).arg("--json").output();
    assert!(status.unwrap().status.success());
    assert_same(&first, &again);
    // The same clients, named by a text file: a line a training sample.
    let unit = |i: usize| ["icu\n", "ward 2\n", "ward 10\n"][i % 3];
    let names = place.path("units.txt");
    std::fs::write(&names, (0..60).filter(|i| i % 5 != 4).map(unit).collect::<String>()).unwrap();
    let file = format!("split.file={}", names.display());
    let of_file = place.run("of-file", &[&data[..], &["split.kind=file", file.as_str()]].concat());
    let same = |name: &str| std::fs::read(first.join(name)).unwrap() == std::fs::read(of_file.join(name)).unwrap();
    assert!(same("split.json") && same("final.safetensors"));
    // Another number of clients than the data name.
    let output = place.command("refused", &[&data[..], &["split.kind=natural"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let expected =
        "split.clients = 6: expected 3, as the data name 3 clients with training samples (0 takes what there is)";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}
