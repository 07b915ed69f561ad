//! Where commands write what they are told to: never over what they read, over other files only when told, and into devices.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::common::*;

fn replay(ledger: &Path, base: &Path, more: &[&Path]) -> Output {
    let mut command = zowarmup();
    command.args(["replay", "--device", "reference", "--ledger"]).arg(ledger).arg("--base").arg(base);
    command.args(more).output().unwrap()
}

/// A copy of the small run's ledger, base and result.
fn copies(place: &Place) {
    for name in ["ledger.jsonl", "pivot.safetensors", "final.safetensors"] {
        fs::copy(finished().join(name), place.path(name)).unwrap();
    }
}

#[test]
fn a_replay_never_replaces_what_it_reads() {
    let place = Place::new();
    copies(&place);
    let (ledger, base) = (place.path("ledger.jsonl"), place.path("pivot.safetensors"));
    let before = (fs::read(&ledger).unwrap(), fs::read(&base).unwrap());
    fs::hard_link(&base, place.path("hard")).unwrap();
    let mut names = vec!["ledger.jsonl", "pivot.safetensors", "hard"];
    if cfg!(unix) {
        #[cfg(unix)]
        std::os::unix::fs::symlink("ledger.jsonl", place.path("soft")).unwrap();
        names.push("soft");
    }
    for name in names {
        for force in [&[][..], &[Path::new("--force")]] {
            let out = place.path(name);
            let output = replay(&ledger, &base, &[&[Path::new("--out"), &out], force].concat());
            assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
            assert!(output.stdout.is_empty());
            assert!(stderr(&output).contains("an input is never replaced"), "{}", stderr(&output));
            assert!((fs::read(&ledger).unwrap(), fs::read(&base).unwrap()) == before, "{name}");
        }
    }
}

#[test]
fn another_file_is_replaced_only_with_force() {
    let place = Place::new();
    copies(&place);
    let (ledger, base, out) = (place.path("ledger.jsonl"), place.path("pivot.safetensors"), place.path("out"));
    fs::write(&out, "mine").unwrap();
    let output = replay(&ledger, &base, &[Path::new("--out"), &out]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--force") && fs::read(&out).unwrap() == b"mine", "{}", stderr(&output));
    let output = replay(&ledger, &base, &[Path::new("--force"), Path::new("--out"), &out]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(weights(&out), weights(&place.path("final.safetensors")));
    let dump =
        ["stream", "--device", "reference", "--seed", "1", "--distribution", "uniform", "--count", "4", "--dump"];
    let output = zowarmup().args(dump).arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let output = zowarmup().args(dump).arg(&out).arg("--force").output().unwrap();
    assert_eq!((output.status.code(), fs::read(&out).unwrap().len()), (Some(0), 16), "{}", stderr(&output));
}

#[test]
fn a_replay_without_out_writes_nothing() {
    let place = Place::new();
    copies(&place);
    let list = || {
        let mut names: Vec<_> = fs::read_dir(place.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = list();
    let output = replay(&place.path("ledger.jsonl"), &place.path("pivot.safetensors"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("every fingerprint matches") && !text.contains("wrote"), "{text}");
    assert_eq!(list(), before);
}

#[cfg(unix)]
#[test]
fn devices_are_written_to() {
    let dump =
        ["stream", "--device", "reference", "--seed", "1", "--distribution", "uniform", "--count", "4", "--dump"];
    let output = zowarmup().args(dump).arg("/dev/null").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // Through a pipe, and through a file behind standard output: what was asked for twice comes one after the other.
    let printed = output.stdout;
    let piped = zowarmup().args(dump).arg("/dev/stdout").output().unwrap();
    assert!(piped.stdout.len() == 16 + printed.len() && piped.stdout.ends_with(&printed));
    let place = Place::new();
    let file = fs::File::create(place.path("both")).unwrap();
    assert!(zowarmup().args(dump).arg("/dev/stdout").stdout(file).status().unwrap().success());
    assert!(fs::read(place.path("both")).unwrap() == piped.stdout);
}

/// The bytes of every file below a folder.
fn content(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => all.extend(content(&path)),
            path => all.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    all.sort();
    all
}

#[test]
fn no_command_replaces_what_it_reads() {
    let place = Place::new();
    let run = stopped(&place, "run", &["zo.participants=high-first-order", "zo.rounds=2"], WARMUP + 2);
    let weights = place.path("start.safetensors");
    fs::copy(run.join("pivot.safetensors"), &weights).unwrap();
    fs::write(place.path("sweep.toml"), "base = \"small.toml\"\n[[row]]\nlabel = \"a\"\n").unwrap();
    let config = place.path("small.toml");
    let with_weights = format!("model.weights={}", weights.display());
    let (ledger, base) = (run.join("ledger.jsonl"), run.join("pivot.safetensors"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let replay = ["replay", "--ledger", &text(&ledger), "--base", &text(&base), "--out"].map(str::to_owned).to_vec();
    let of = |words: &[&str], paths: &[&Path], option: &str| -> Vec<String> {
        let words = words.iter().map(|&word| word.to_owned());
        words.chain(paths.iter().map(|path| text(path))).chain([option.to_owned()]).collect()
    };
    let started =
        |command: &[&str], option: &str| of(&[command, &["--set", &with_weights]].concat(), &[&config], option);
    let sweep = place.path("sweep.toml");
    let cases: Vec<(Vec<String>, &Path)> = vec![
        (replay.clone(), &base),
        (of(&["probe", "--draws", "2", "--probes", "1"], &[&run], "--csv"), &base),
        (of(&["probe"], &[&run], "--csv"), &ledger),
        (of(&["probe"], &[&config], "--csv"), &config),
        (started(&["probe"], "--csv"), &weights),
        (of(&["profile"], &[&config], "--trace"), &config),
        (started(&["profile"], "--trace"), &weights),
        (of(&["sweep"], &[&sweep], "--csv"), &sweep),
        (of(&["sweep"], &[&sweep], "--csv"), &config),
        (of(&["report", "--out", &text(&place.path("page"))], &[&run], "--csv"), &ledger),
    ];
    let (delta, manifest) = (run.join("deltas/3.safetensors"), run.join("manifest.json"));
    let more = [&delta, &manifest].map(|input| (replay.clone(), input.as_path()));
    let before = content(place.dir.path());
    for (command, input) in cases.iter().chain(&more) {
        let mut process = zowarmup();
        process.env("ZOWARMUP_DEVICE", "reference").current_dir(place.dir.path());
        let output = process.args(command).arg(input).arg("--force").output().unwrap();
        let what = format!("{command:?} {}: {}", input.display(), stderr(&output));
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{what}");
        assert!(stderr(&output).contains("an input is never replaced"), "{what}");
        assert!(content(place.dir.path()) == before, "{what}");
    }
}

#[cfg(unix)]
#[test]
fn every_file_of_a_command_may_be_a_device_a_fifo_or_a_link() {
    let place = Place::new();
    let run = place.path("run");
    copy_folder(finished(), &run);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (ledger, base) = (text(&run.join("ledger.jsonl")), text(&run.join("pivot.safetensors")));
    let (run, config, page) = (text(&run), text(&place.path("small.toml")), text(&place.path("page")));
    let cases: [&[&str]; 5] = [
        &["replay", "--ledger", &ledger, "--base", &base, "--out"],
        &["stream", "--seed", "1", "--distribution", "uniform", "--count", "4", "--dump"],
        &["probe", &run, "--draws", "2", "--probes", "1", "--clients", "1", "--csv"],
        &["report", &run, "--out", &page, "--csv"],
        &["completions", "bash", "--out"],
    ];
    let go = |command: &[&str], out: &Path| {
        let mut process = zowarmup();
        process.env("ZOWARMUP_DEVICE", "reference").args(command).arg(out);
        let output = process.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?} {}: {}", out.display(), stderr(&output));
    };
    for command in cases.into_iter().chain([&["profile", &config, "--rounds", "1", "--trace"][..]]) {
        go(command, Path::new("/dev/null"));
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let (target, link) = (place.path("target"), place.path("link"));
        std::os::unix::fs::symlink("target", &link).unwrap();
        go(command, &link);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{command:?}");
        let (fifo, written) = (place.path("fifo"), fs::read(&target).unwrap());
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::read(fifo).unwrap()
        });
        go(command, &fifo);
        let piped = reader.join().unwrap();
        // A trace holds times.
        assert!(!piped.is_empty() && (command[0] == "profile" || piped == written), "{command:?}");
        [&fifo, &link, &target].into_iter().for_each(|path| fs::remove_file(path).unwrap());
    }
}

/// The same of files whose folder alone is named: what the command wrote there before is replaced, what it reads never.
#[cfg(unix)]
#[test]
fn every_file_of_an_output_folder_may_be_a_device_a_fifo_or_a_link() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    copy_folder(finished(), &place.path("run"));
    let short = "compare small.toml --methods zowarmup --seeds 0 --set warmup.rounds=1 --set zo.rounds=1 --out cells";
    let event = "events/run/events.out.tfevents.0.zowarmup";
    let (ledger, config) = ("run/ledger.jsonl", "small.toml");
    let cases = [
        ("man pages --force", "pages/zowarmup-run.1", None),
        ("report run --out page --tensorboard events", event, Some(ledger)),
        ("report run --out page", "page/report.json", Some(ledger)),
        ("report run --out page", "page/report.md", Some(ledger)),
        ("report run --out page", "page/report.html", Some(ledger)),
        (short, "cells/compare.csv", Some(config)),
        (short, "cells/compare.md", Some("cells/zowarmup-s0/ledger.jsonl")),
        (short, "cells/compare.json", Some("cells/sweep.json")),
        (short, "cells/report.md", Some("cells/zowarmup-s0/metrics.jsonl")),
    ];
    let start = |command: &str| {
        let mut process = zowarmup();
        process.env("ZOWARMUP_DEVICE", "reference").current_dir(place.dir.path()).args(command.split(' '));
        process.output().unwrap()
    };
    let go = |command: &str| {
        let output = start(command);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", stderr(&output));
    };
    for (command, file, input) in cases {
        go(command);
        let (file, written) = (place.path(file), fs::read(place.path(file)).unwrap());
        let put_link = |target: &Path| {
            fs::remove_file(&file).unwrap();
            symlink(target, &file).unwrap();
        };
        let is_link = || fs::symlink_metadata(&file).unwrap().is_symlink();
        for target in [&place.path("elsewhere"), Path::new("/dev/null")] {
            put_link(target);
            go(command);
            assert!(is_link(), "{command}: {}", file.display());
        }
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(fs::read(place.path("elsewhere")).unwrap() == written, "{}", file.display());
        fs::remove_file(place.path("elsewhere")).unwrap();
        if let Some(input) = input {
            let (input, before) = (place.path(input), fs::read(place.path(input)).unwrap());
            put_link(&input);
            let output = start(command);
            assert_eq!(output.status.code(), Some(2), "{command}: {}", stderr(&output));
            assert!(stderr(&output).contains("an input is never replaced"), "{}", stderr(&output));
            assert!(is_link() && fs::read(&input).unwrap() == before, "{}", input.display());
        }
        fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let reader = std::thread::spawn({
            let fifo = file.clone();
            move || fs::read(fifo).unwrap()
        });
        go(command);
        assert!(reader.join().unwrap() == written, "{}", file.display());
        fs::remove_file(&file).unwrap();
    }
    // Pages that are there are replaced only when told.
    go("man pages --force");
    let output = start("man pages");
    assert!(output.status.code() == Some(2) && stderr(&output).contains("--force"), "{}", stderr(&output));
}
