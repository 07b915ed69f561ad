//! What makes long and many runs bearable: time limits, seeds by a flag, silence, logs, what a log shows of a run, what it takes on disk.

use std::path::Path;
use std::process::Output;

use zowarmup::fed::{Observer, RunPlan, Status, run};

use super::common::*;

/// Runs the small experiment with more arguments.
fn with(place: &Place, out: &str, sets: &[&str], args: &[&str]) -> Output {
    place.command(out, sets).args(args).output().unwrap()
}

#[test]
fn a_time_limit_ends_after_a_round_and_resume_goes_on() {
    let place = Place::new();
    let dir = place.path("run");
    // Over before the first round is: it ends after it.
    let output = with(&place, "run", &[], &["--time-limit", "0.001s"]);
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((printed["status"].as_str(), printed["rounds"].as_u64()), (Some("interrupted"), Some(1)));
    let text = stderr(&output);
    assert!(text.contains("the time limit is over; go on with: zowarmup resume"), "{text}");
    let again = zowarmup().arg("resume").arg(&dir).args(["--time-limit", "1e9h"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    let again = zowarmup().arg("resume").arg(&dir).args(["--time-limit", "0.001 s"]).output().unwrap();
    assert_eq!((again.status.code(), line_count(&dir.join("metrics.jsonl"))), (Some(130), 2), "{}", stderr(&again));
    let text = String::from_utf8(again.stdout).unwrap();
    assert!(text.contains("interrupted after 2 rounds") && text.contains("so far"), "{text}");
    assert!(!text.contains("final") && !text.contains("zowarmup report"), "{text}");
    // A limit that isn't reached changes nothing.
    let rest = zowarmup().arg("resume").arg(&dir).args(["--time-limit", "3h50m"]).output().unwrap();
    assert!(rest.status.success(), "{}", stderr(&rest));
    let text = String::from_utf8(rest.stdout).unwrap();
    assert!(text.contains("final") && text.contains("zowarmup report ") && !text.contains("so far"), "{text}");
    assert_same(finished(), &dir);
}

#[test]
fn what_is_no_duration_is_refused_before_anything_is_written() {
    let place = Place::new();
    for wrong in ["3", "3x", "", "0s", "soon"] {
        let output = with(&place, "run", &[], &["--time-limit", wrong]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {text}");
        assert!(text.contains("--time-limit") && text.contains("3h50m"), "{wrong}: {text}");
        assert!(output.stdout.is_empty() && !place.path("run").exists());
    }
}

/// Stops as soon as it may.
struct AtOnce;

impl Observer for AtOnce {
    fn stop(&mut self) -> bool {
        true
    }
}

#[test]
fn the_last_round_cannot_be_interrupted_any_more() {
    let place = Place::new();
    for (out, sets) in [("zo", ["warmup.rounds=0", "zo.rounds=1"]), ("warmup", ["warmup.rounds=1", "zo.rounds=0"])] {
        let summary = run::start(&config(&place, &sets), Some(&place.path(out)), &twins(), &mut AtOnce).unwrap();
        assert_eq!((summary.status, summary.rounds), (Status::Done, 1), "{out}");
        assert!(place.path(out).join("final.safetensors").exists());
    }
}

#[test]
fn the_seed_has_a_flag() {
    let place = Place::new();
    let sets = ["warmup.rounds=1", "zo.rounds=1"];
    let flag = with(&place, "flag", &sets, &["--seed", "5"]);
    assert!(flag.status.success(), "{}", stderr(&flag));
    let set = place.run("set", &[&sets[..], &["seed=5"]].concat());
    assert_same(&place.path("flag"), &set);
    let hex = with(&place, "hex", &sets, &["--seed", "0x5"]);
    assert!(hex.status.success(), "{}", stderr(&hex));
    assert_same(&place.path("hex"), &set);
    let wrong = with(&place, "wrong", &sets, &["--seed", "five"]);
    let text = stderr(&wrong);
    assert_eq!(wrong.status.code(), Some(2), "{text}");
    assert!(text.contains("seed") && text.contains("five") && !place.path("wrong").exists(), "{text}");
}

#[test]
fn a_log_gets_a_line_an_evaluation() {
    let place = Place::new();
    let text = stderr(&with(&place, "run", &[], &[]));
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("/12  loss ")).collect();
    let starts = ["warm-up 2/12", "warm-up 3/12", "zo 4/12", "zo 6/12", "zo 8/12", "zo 10/12", "zo 12/12"];
    assert_eq!(lines.len(), starts.len(), "{text}");
    assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{text}");
    assert!(lines.iter().all(|line| line.contains(" %") && line.ends_with(" left")), "{text}");
    // Where it goes and what it takes there stands before them.
    let first = text.lines().find(|line| line.contains("6 clients")).unwrap();
    assert!(first.contains("1,210 weights") && first.contains("(about ") && first.contains("KiB)"), "{first}");
}

#[test]
fn quiet_runs_say_nothing_but_what_went_wrong() {
    let place = Place::new();
    let output = with(&place, "run", &["warmup.rounds=1", "zo.rounds=1"], &["--quiet"]);
    // Where there is no adapter, that is a warning.
    let silent = |output: &Output| stderr(output).lines().all(|line| line.contains("WARN"));
    assert!(output.status.success() && silent(&output), "{}", stderr(&output));
    assert!(!output.stdout.is_empty(), "the result is no noise");
    let diverged = with(&place, "diverged", &["warmup.client_lr=1e30", "zo.rounds=0"], &["-q"]);
    assert_eq!(diverged.status.code(), Some(1));
    assert!(stderr(&diverged).contains("not finite"), "{}", stderr(&diverged));
    let wrong = with(&place, "wrong", &["zo.tau=0"], &["-q"]);
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains("zo.tau"));
    assert_eq!(with(&place, "both", &[], &["-q", "-v"]).status.code(), Some(2));
}

#[test]
fn verbose_runs_say_what_they_are_made_of_and_others_keep_silent() {
    let place = Place::new();
    let sets = ["warmup.rounds=1", "zo.rounds=1"];
    let plain = stderr(&with(&place, "plain", &sets, &[]));
    let words = ["200 training and 100 test samples", "6, 2 with high resources, of 33 to 33 samples", "1210 weights"];
    assert!(words.iter().all(|word| !plain.contains(word)), "{plain}");
    let told = stderr(&with(&place, "told", &sets, &["-v"]));
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
    assert!(!told.contains("round 0: "), "{told}");
    let all = stderr(&with(&place, "all", &sets, &["-vvv"]));
    assert!(all.contains("round 0: ") && words.iter().all(|word| all.contains(word)), "{all}");
    // A log line is LEVEL TARGET: MESSAGE.
    let logged = all.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let level = words.next().filter(|word| ["INFO", "DEBUG", "TRACE"].contains(word))?;
        Some((level, words.next()?))
    });
    let logged: Vec<_> = logged.collect();
    assert!(logged.len() > 3 && logged.iter().all(|(_, target)| target.starts_with("zowarmup")), "{logged:?}");
}

#[derive(Default)]
struct Planned(u64);

impl Observer for Planned {
    fn begin(&mut self, plan: &RunPlan) {
        self.0 = plan.disk_bytes;
    }
}

fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().unwrap().len() }).sum()
}

#[test]
fn the_disk_that_a_run_needs_is_told_before_it() {
    let place = Place::new();
    let cases: [&[&str]; 5] = [
        &[],
        &["zo.rounds=60", "zo.probes=4"],
        &["warmup.rounds=40", "zo.rounds=0", "warmup.algorithm=fedadam", "eval.groups=true", "eval.every=1"],
        &["zo.participants=high-first-order", "zo.rounds=20"],
        &["zo.local_steps=3", "zo.optimizer=adam", "eval.average=0.9", "model.hidden=[64]"],
    ];
    for (i, sets) in cases.iter().enumerate() {
        let (dir, mut planned) = (place.path(&i.to_string()), Planned::default());
        run::start(&config(&place, sets), Some(&dir), &twins(), &mut planned).unwrap();
        let taken = size(&dir);
        // Enough, and not twice as much.
        assert!(taken <= planned.0 && planned.0 < 2 * taken, "{sets:?}: {taken} of {}", planned.0);
    }
}
