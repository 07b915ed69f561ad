//! Sweeps as processes: killed and begun again, two at once, several workers that warn.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::run;
use zowarmup::fed::sweep::Description;

use super::common::*;

/// The command.
fn sweep(place: &Place, args: &[&str]) -> Command {
    fs::write(place.path("sweep.toml"), sweep_of(30)).unwrap();
    let mut command = zowarmup();
    command.current_dir(place.dir.path()).args(["sweep", "sweep.toml", "--out", "all", "--jobs", "2", "--json"]);
    command.args(["--device", "reference"]).args(args);
    command
}

/// When the last round of each finished run of the sweep was written, by its folder. The digests in a run's manifest come last: a run that was
/// killed between its summary and these isn't finished, and goes on from its checkpoint.
fn finished_runs(place: &Place) -> BTreeMap<String, SystemTime> {
    let entries = fs::read_dir(place.path("all")).into_iter().flatten().flatten();
    let done = |entry: fs::DirEntry| {
        let path = entry.path().join("summary.json");
        let summary: Value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        let written = fs::metadata(entry.path().join("metrics.jsonl")).ok()?.modified().ok()?;
        let manifest: Value = serde_json::from_slice(&fs::read(entry.path().join("manifest.json")).ok()?).ok()?;
        let recorded = manifest["files"].get("summary.json").is_some();
        (summary["status"] == "done" && recorded).then(|| (entry.file_name().into_string().unwrap(), written))
    };
    entries.filter_map(done).collect()
}

fn assert_as_single_runs(place: &Place) {
    for cell in Description::load(&place.path("sweep.toml")).unwrap().1 {
        let alone = place.path(&format!("alone-{}", cell.name));
        run::start(cell.config.as_ref().unwrap(), Some(&alone), &twins(), &mut Silent).unwrap();
        assert_same(&alone, &place.path("all").join(&cell.name));
    }
}

#[test]
fn a_sweep_that_is_killed_repeats_no_finished_run() {
    let place = Place::new();
    // In the warm-ups, with some cells done, with more of them done.
    for at_least in [0, 1, 3] {
        let before = finished_runs(&place);
        let mut process = Background::start(sweep(&place, &[]));
        process.until(|| finished_runs(&place).len() >= at_least && place.path("all/warmups").exists());
        process.kill();
        let after = finished_runs(&place);
        assert!(before.iter().all(|(name, written)| after.get(name) == Some(written)), "{before:?}, {after:?}");
    }
    let before = finished_runs(&place);
    assert!(before.len() < 6, "the last kill met a sweep that was over");
    let output = sweep(&place, &[]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let after = finished_runs(&place);
    assert!(after.len() == 6 && before.iter().all(|(name, written)| after[name] == *written), "{before:?}, {after:?}");
    assert_as_single_runs(&place);
}

#[test]
fn two_processes_on_one_sweep_share_its_cells() {
    let place = Place::new();
    let both = [Background::start(sweep(&place, &[])), Background::start(sweep(&place, &[]))];
    let mut said = String::new();
    let results = both.map(|mut process| {
        let (out, err) = (process.0.stdout.take().unwrap(), process.0.stderr.take().unwrap());
        // One after the other: what a process says is less than a pipe holds.
        let result: Value = serde_json::from_reader(out).unwrap();
        said.push_str(&std::io::read_to_string(err).unwrap());
        assert_eq!(process.0.wait().unwrap().code(), Some(0), "{said}");
        assert_eq!((&result["done"], &result["pending"]), (&6.into(), &0.into()), "{said}");
        result
    });
    // Times are those of the runs: a cell has them once, whoever ran it.
    assert_eq!(results[0]["cells"], results[1]["cells"]);
    // Each run is begun in one of the two: its line tells so. Two warm-ups are among them. Who comes to a warm-up as the other ends it has 0
    // rounds left to do.
    let begins = |line: &&str| line.ends_with(" rounds") && !line.ends_with(": 0 rounds");
    let begun: Vec<&str> = said.lines().filter(begins).collect();
    let name = |line: &&str| line.split("] ").nth(1).and_then(|rest| rest.split(':').next()).unwrap().to_owned();
    let names: std::collections::BTreeSet<String> = begun.iter().map(name).collect();
    assert!(begun.len() == 8 && names.len() == 8, "{said}");
    assert_as_single_runs(&place);
}

#[test]
fn warnings_of_several_workers_name_their_cells() {
    let place = Place::new();
    let rate = ["--grid", "warmup.client_lr=1e30,0.1", "--seeds", "0", "--set", "zo.rounds=0", "--quiet"];
    let output = sweep(&place, &rate).output().unwrap();
    let text = stderr(&output);
    assert!(output.status.success(), "what diverges is no failure: {text}");
    // `--quiet` leaves notes out, not why a run diverged.
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("not finite")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.contains("warmup.client-lr-1e30-s0: ")), "{text}");
    assert!(text.lines().all(|line| line.contains("not finite") || line.contains("WARN")), "{text}");
}
