//! Runs of chains with residuals, norms and dropout, on the CPU twins: what is stored, gone on from, replayed and counted; and what
//! `model` says of them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::common::*;

/// The small run with a chain for a model.
fn place(layers: &str) -> Place {
    let place = Place::new();
    let config = fs::read_to_string(place.path("small.toml")).unwrap();
    let model = format!("kind = \"sequential\"\nlayers = [{layers}]");
    let config = config.replace("kind = \"mlp\"\nhidden = [16]", &model).replace("rounds = 9", "rounds = 3");
    fs::write(place.path("small.toml"), config + "[device]\nselect = \"reference\"\n").unwrap();
    place
}

const DROPPING: &str =
    "{conv = 4, kernel = 3}, {layernorm = true}, \"relu\", {maxpool = 2}, {dropout = 0.3}, \"flatten\",
    {residual = [{linear = 12}, {dropout = 0.2}, \"gelu\"], project = true}, {linear = 10}";

const NORMED: &str = "{conv = 4, kernel = 3, bias = false}, \"batchnorm\", \"relu\",
    {residual = [{conv = 4, kernel = 3, padding = 1}, \"batchnorm\"]}, \"relu\", {dropout = 0.1}, \"globalavgpool\", {linear = 10}";

#[test]
fn masks_are_drawn_anew_by_a_resumed_run_and_whatever_the_memory() {
    let place = place(DROPPING);
    let whole = stopped(&place, "whole", &[], 6);
    resumed(&whole, &[]).unwrap();
    let cut = stopped(&place, "cut", &[], 2);
    resumed(&cut, &[]).unwrap();
    assert_same(&whole, &cut);
    let tight = stopped(&place, "tight", &["device.memory_budget=400KiB"], 6);
    resumed(&tight, &[]).unwrap();
    assert_same(&whole, &tight);
    // The masks are those of the seed `shuffle`, and change the training.
    let other = stopped(&place, "other", &["seeds.shuffle=99"], 1);
    let plain = self::place(&DROPPING.replace("0.3", "0").replace("0.2", "0"));
    let plain = stopped(&plain, "plain", &[], 1);
    let first = |dir: &Path| metrics(dir)[0]["train_loss"].clone();
    assert!(first(&whole) != first(&other) && first(&whole) != first(&plain));
}

#[test]
fn the_model_survives_the_stored_config_and_the_ledger() {
    let place = place(DROPPING);
    let run = place.run("run", &[]);
    let mut command = zowarmup();
    command.arg("run").arg(run.join("config.toml")).arg("--out").arg(place.path("again")).arg("--json");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&run, &place.path("again"));
    let header = &lines(&run.join("ledger.jsonl"))[0];
    assert_eq!(header["model"]["layers"][4], serde_json::json!({"dropout": 0.3}));
    let mut command = zowarmup();
    command.args(["replay", "--json", "--device", "reference", "--ledger"]).arg(run.join("ledger.jsonl"));
    let output = command.arg("--base").arg(run.join("pivot.safetensors")).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let replayed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(replayed["matches"], true);
}

#[test]
fn batch_norms_of_a_chain_have_every_policy() {
    // 33 samples a client: batches of 12 leave one of 9.
    let place = place(NORMED);
    let run =
        |policy: &str| place.run(policy, &["warmup.batch=12", "zo.lr=0.001", &format!("zo.norm_statistics={policy}")]);
    let [frozen, recomputed, refreshed] = ["frozen", "recomputed", "refreshed"].map(run);
    let of = |dir: &Path, file: &str| -> Vec<Vec<f32>> {
        let running = |(name, ..): &Tensor| name.contains(".running_");
        tensors(&dir.join(file)).into_iter().filter(running).map(|(.., values)| values).collect()
    };
    assert_eq!(of(&frozen, "init.safetensors").len(), 4);
    assert_ne!(of(&frozen, "init.safetensors"), of(&frozen, "pivot.safetensors"), "the warm-up moves them");
    assert_eq!(of(&frozen, "pivot.safetensors"), of(&frozen, "final.safetensors"));
    assert_ne!(of(&recomputed, "pivot.safetensors"), of(&frozen, "pivot.safetensors"));
    assert_eq!(of(&recomputed, "pivot.safetensors"), of(&recomputed, "final.safetensors"));
    assert_ne!(of(&refreshed, "pivot.safetensors"), of(&refreshed, "final.safetensors"));
    // 8 bytes for each of eight channels, of each of six clients: never, once, in each of three rounds.
    let sent = |dir: &Path| summary(dir)["uplink_bytes"].as_u64().unwrap();
    let once = 8 * 8 * CLIENTS;
    assert_eq!((sent(&recomputed), sent(&refreshed)), (sent(&frozen) + once, sent(&frozen) + 3 * once));
}

#[test]
fn heterofl_trains_part_of_a_chain() {
    let layers = NORMED.replace("\"globalavgpool\"", "\"globalavgpool\", {residual = [\"tanh\"]}");
    let place = place(&layers);
    let sets = ["warmup.algorithm=heterofl", "zo.rounds=0", "warmup.batch=12"];
    let dir = place.run("run", &sets);
    let losses: Vec<f64> = metrics(&dir).iter().map(|line| line["train_loss"].as_f64().unwrap()).collect();
    assert!(losses.len() == 3 && losses[2] < losses[0], "{losses:?}");
}

#[test]
fn model_says_what_cost_counts() {
    for layers in [DROPPING, NORMED] {
        let place = place(layers);
        let run = |command: &str, json: bool| {
            let mut process = zowarmup();
            process.arg(command).arg(place.path("small.toml"));
            if json {
                process.arg("--json");
            }
            let output = process.output().unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
            String::from_utf8(output.stdout).unwrap()
        };
        let [model, cost] =
            ["model", "cost"].map(|command| serde_json::from_str::<Value>(&run(command, true)).unwrap());
        assert_eq!(model["params"], cost["params"]);
        assert_eq!(model["client_memory"]["warmup_bytes"], cost["warmup"]["formula_memory_bytes"]);
        assert_eq!(model["client_memory"]["zo_bytes"], cost["zo"]["formula_memory_bytes"]);
        let list = model["layers"].as_array().unwrap();
        let sum = |key: &str| list.iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(
            (sum("params"), sum("flops_forward")),
            (cost["params"].as_u64().unwrap(), model["flops_forward"].as_u64().unwrap())
        );
        let text = run("model", false);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(list.iter().all(|layer| text.contains(layer["name"].as_str().unwrap())), "{text}");
    }
}

#[test]
fn models_that_make_no_sense_are_refused_with_their_place() {
    for (layers, part) in [
        ("{residual = [{linear = 3}]}", "layer 0 (residual), layer 0 (linear): expects a feature vector"),
        (
            "\"flatten\", {residual = [{linear = 10}]}",
            "layer 1 (residual): its layers give [10, 1, 1], its input is [64, 1, 1]",
        ),
        (
            "\"flatten\", {dropout = 1.0}, {linear = 10}",
            "model.layers[1].dropout: expected a number from 0 up to, but not, 1",
        ),
        ("\"flatten\", {linear = 10.5}", "model.layers"),
        ("\"flatten\", {layernorm = false}, {linear = 10}", "model.layers[1].layernorm: expected true"),
    ] {
        for command in ["model", "run"] {
            let place = place(layers);
            let mut process = zowarmup();
            process.arg(command).arg(place.path("small.toml"));
            if command == "run" {
                process.arg("--out").arg(place.path("run"));
            }
            let output = process.output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{layers}");
            let text = stderr(&output);
            assert!(text.contains(part) && text.lines().count() == 1 && output.stdout.is_empty(), "{text}");
            assert!(!place.path("run").exists());
        }
    }
}
