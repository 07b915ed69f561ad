//! Channels last: the same run to rounding, and its own bits again when it is resumed, replayed or repeated. On the CPU twins: an adapter
//! would compile a residual network's pipelines in each process.

use std::fs;
use std::path::{Path, PathBuf};

use zowarmup::caps::Layout;
use zowarmup::device::Selection;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::run;
use zowarmup::model::ModelSpec;

use super::common::*;

const EPSILON: f64 = 1e-3;
const RATE: f64 = 0.001;
const ZO_ROUNDS: f64 = 4.0;

fn place(model: &str) -> Place {
    let place = Place::new();
    let config = fs::read_to_string(place.path("small.toml")).unwrap();
    let config = config.replace("kind = \"mlp\"\nhidden = [16]", model).replace("rounds = 9", "rounds = 4");
    // Batches of 16 would leave one of a single sample, which has no deviation where the image is one pixel.
    let config = config.replace("batch = 16", "batch = 12").replace("lr = 0.05", "lr = 0.001");
    fs::write(place.path("small.toml"), config + "[device]\nselect = \"reference\"\n").unwrap();
    place
}

fn with(place: &Place, layout: Layout, sets: &[&str]) -> PathBuf {
    let dir = place.path(layout.name());
    run::start(&config(place, sets), Some(&dir), &Selection { layout: Some(layout), ..twins() }, &mut Silent).unwrap();
    dir
}

/// ||a - b|| / ||b|| of two files' weights, and the root mean square of the second.
fn difference(a: &Path, b: &Path) -> (f64, f64) {
    let (a, b) = (weights(a), weights(b));
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let apart = square(&mut a.iter().zip(&b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let size = square(&mut b.iter().map(|b| f64::from(*b)));
    ((apart / size).sqrt(), (size / b.len() as f64).sqrt())
}

/// Roundings of a sample's loss that come in another order, at most: all of a forward pass.
fn roundings(table: &serde_json::Value) -> f64 {
    let graph = ModelSpec::from_json(table).unwrap().graph().unwrap();
    graph.nodes.iter().map(|n| n.layer.summands().max(16)).sum::<usize>() as f64 * 2f64.powi(-24)
}

#[test]
fn a_run_with_channels_last_is_the_same_to_rounding() {
    let table = |kind: &str, norm: &str| match kind {
        "cnn" => {
            serde_json::json!({"kind": "cnn", "input": [1, 8, 8], "channels": [4, 6], "hidden": 12, "classes": 10})
        }
        _ => {
            serde_json::json!({"kind": "resnet", "input": [1, 8, 8], "depth": 10, "width": 2, "norm": norm, "classes": 10})
        }
    };
    let resnet = |norm: &str| format!("kind = \"resnet\"\ndepth = 10\nwidth = 2\nnorm = \"{norm}\"");
    let cnn = "kind = \"cnn\"\nchannels = [4, 6]\nhidden = 12".to_owned();
    for (model, table, sets) in [
        (cnn, table("cnn", ""), &[][..]),
        (resnet("group"), table("resnet", "group"), &[]),
        (resnet("batch"), table("resnet", "batch"), &["zo.norm_statistics=frozen"]),
        (resnet("batch"), table("resnet", "batch"), &["zo.norm_statistics=refreshed"]),
    ] {
        let place = place(&model);
        let [first, last] = [Layout::ChannelsFirst, Layout::ChannelsLast].map(|layout| with(&place, layout, sets));
        assert!(fs::read(first.join("init.safetensors")).unwrap() == fs::read(last.join("init.safetensors")).unwrap());
        // Each of 3 rounds' 2 epochs of 3 batches moves the weights by less than themselves, and wrong by what forward and backward pass
        // round, three passes' worth; each step passes on what was wrong before.
        let rounding = roundings(&table);
        let (pivot, size) = difference(&last.join("pivot.safetensors"), &first.join("pivot.safetensors"));
        let bound = 18.0 * 3.0 * rounding;
        println!("{model} {sets:?}: pivot {pivot:.1e} of {bound:.1e}");
        assert!(pivot <= bound, "{model} {sets:?}: {pivot} apart at the pivot");
        // A probe's dl is off by its two losses' rounding, ln 10 each, and a round moves every weight by at most the rate times dl / 2 eps.
        let (end, _) = difference(&last.join("final.safetensors"), &first.join("final.safetensors"));
        let step = RATE * 2.0 * (bound + rounding) * 10f64.ln() / (2.0 * EPSILON);
        let bound = bound + ZO_ROUNDS * step / size;
        println!("{model} {sets:?}: end {end:.1e} of {bound:.1e}");
        assert!(end <= bound, "{model} {sets:?}: {end} apart at the end");
    }
}

#[test]
fn a_run_with_channels_last_repeats_resumes_and_replays_to_its_bits() {
    let place = place("kind = \"resnet\"\ndepth = 10\nwidth = 2\nnorm = \"group\"");
    let whole = with(&place, Layout::ChannelsLast, &[]);
    let stopped = place.path("stopped");
    let selection = Selection { layout: Some(Layout::ChannelsLast), ..twins() };
    run::start(&config(&place, &[]), Some(&stopped), &selection, &mut StopAfter(2)).unwrap();
    let mut resume = zowarmup();
    let output = resume.env("ZOWARMUP_LAYOUT", "last").arg("resume").arg(&stopped).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_same(&whole, &stopped);
    // A ledger knows no layout.
    let mut replay = zowarmup();
    replay.args(["replay", "--json", "--device", "reference", "--ledger"]).arg(whole.join("ledger.jsonl"));
    replay.arg("--base").arg(whole.join("pivot.safetensors")).arg("--out").arg(place.path("replayed"));
    let output = replay.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(fs::read(place.path("replayed")).unwrap() == fs::read(whole.join("final.safetensors")).unwrap());
}
