//! Where `replay --out` and `stream --dump` write: never over what they read, over other files only when told, and into devices.

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
