//! What `--json` prints.

use super::pages::Page;
use super::place::Place;
use super::shape::{check, parse};

/// A command line for each documented object, small enough for the CPU twins.
fn example(name: &str) -> &'static [&'static str] {
    match name {
        "check" => &["check", "runs/X"],
        "compare" => {
            &["compare", "--methods", "zowarmup", "--seeds", "0..1", "--set", "warmup.rounds=1", "--set", "zo.rounds=1"]
        }
        "report" => &["report", "runs/X"],
        "cost" => &["cost", "configs/digits.toml"],
        "model" => &["model", "configs/digits.toml"],
        "data check" => &["data", "check", "configs/digits.toml"],
        "devices" => &["devices"],
        "watch" => &["watch", "runs/X"],
        "eval" => &[
            "eval",
            "--weights",
            "runs/X/final.safetensors",
            "--config",
            "runs/X/config.toml",
            "--split",
            "runs/X/split.json",
        ],
        "probe" => &["probe", "runs/X", "--clients", "2", "--draws", "4", "--probes", "1"],
        "reproduce" => {
            &["reproduce", "table6", "--small", "--seeds", "0", "--set", "warmup.rounds=1", "--set", "zo.rounds=1"]
        }
        "profile" => &["profile", "configs/digits.toml", "--rounds", "1", "--cold"],
        "tune" => &["tune", "configs/digits.toml", "--set", "model.hidden=[8]"],
        "replay" => &["replay", "--ledger", "runs/X/ledger.jsonl", "--base", "runs/X/pivot.safetensors"],
        "sweep" => {
            &["sweep", "configs/sweep.toml", "--out", "sweeps/a", "--set", "warmup.rounds=1", "--set", "zo.rounds=1"]
        }
        "stream" => &["stream", "--seed", "9e5484c4c3860afb", "--distribution", "rademacher", "--count", "4"],
        "verify" => &["verify", "tests/golden/mlp.safetensors", "tests/golden/spsa-mlp.json"],
        // Their objects are compared where they are made small: see the tests of the two modules.
        "bench" | "selftest" => &[],
        other => panic!("docs/commands.md documents what `{other}` prints: name a command line for it here"),
    }
}

#[test]
fn documented_objects_are_what_is_printed() {
    let (page, place) = (Page::of("docs/commands.md"), Place::new());
    let mut name = String::new();
    let mut block = String::new();
    let mut compared = 0;
    for line in page.section("What `--json` prints").into_iter().chain([""]) {
        if let Some(code) = line.strip_prefix("    ") {
            block.push_str(code);
            continue;
        }
        if line.is_empty() && !block.is_empty() {
            let shape = parse(&std::mem::take(&mut block));
            let args = example(&name);
            if !args.is_empty() {
                check(&shape, &place.json(args), &name);
            }
            compared += 1;
        }
        if let Some(code) = line.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
            name = code.to_owned();
        }
    }
    assert!(compared >= 8, "{compared} objects");
    // The values of the example are those of the stream.
    let stream = place.json(example("stream"));
    let line = page.text.lines().find(|line| line.contains("\"seed\":\"9e5484c4c3860afb\"")).unwrap();
    let documented: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(documented["values"], stream["values"]);
}
