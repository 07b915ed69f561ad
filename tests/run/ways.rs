//! Ways of products that a run measured: remembered by the user's cache folder, and repeated from the run's own.

use std::process::Command;

use super::common::*;

/// Every way of two layers and both layouts, on the twins, whose times say nothing: any of them may win.
const SETS: [&str; 4] = ["device.tune=full", "model.hidden=[20,12]", "warmup.rounds=1", "zo.rounds=2"];

/// What a run prints on standard error.
fn told(command: &mut Command) -> String {
    let output = command.env("ZOWARMUP_DEVICE", "reference").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn measured_ways_are_remembered_and_repeated() {
    let place = Place::new();
    let run = |out: &str| {
        let mut command = place.command(out, &SETS);
        command.env("XDG_CACHE_HOME", place.path("cache")).env_remove("ZOWARMUP_NO_CACHE");
        command
    };
    // Of three layers' four passes; what the first layer's input would get counts.
    assert!(told(&mut run("first")).contains("measured the ways of 12 products"));
    assert!(!told(&mut run("second")).contains("measured"));
    assert_same(&place.path("first"), &place.path("second"));
    let ways = |out: &str| std::fs::read_to_string(place.path(out).join("ways.json")).ok();
    assert_eq!(ways("first"), ways("second"));
    // Without the cache folder the config beside `ways.json` repeats the run.
    if ways("first").is_some() {
        let mut again = zowarmup();
        again.arg("run").arg(place.path("first").join("config.toml")).arg("--out").arg(place.path("third"));
        assert!(!told(again.env("ZOWARMUP_NO_CACHE", "1")).contains("measured"));
        assert_same(&place.path("first"), &place.path("third"));
    }
}
