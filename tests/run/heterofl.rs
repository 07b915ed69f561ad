//! Runs of HeteroFL. On the CPU twins: an adapter would compile the pipelines of both models in each process.

use std::fs;
use std::path::Path;

use zowarmup::fed::{Status, Summary, run};

use super::common::*;

/// Weights of the sub-network of 8 hidden units.
const NARROW: u64 = 64 * 8 + 8 + 8 * 10 + 10;
const HETEROFL: [&str; 2] = ["warmup.algorithm=heterofl", "zo.rounds=0"];

/// As in [`CONFIG`](super::common), with a residual network on batch norms.
fn batch_norms() -> Place {
    let place = Place::new();
    let model = "kind = \"resnet\"\ndepth = 10\nwidth = 2\nnorm = \"batch\"";
    let config = fs::read_to_string(place.path("small.toml")).unwrap();
    let config = config.replace("kind = \"mlp\"\nhidden = [16]", model).replace("batch = 16", "batch = 12");
    fs::write(place.path("small.toml"), config).unwrap();
    place
}

fn whole(place: &Place, out: &str, sets: &[&str]) -> (std::path::PathBuf, Summary) {
    let dir = place.path(out);
    let observer = &mut zowarmup::fed::observer::Silent;
    let summary = run::start(&config(place, sets), Some(&dir), &twins(), observer).unwrap();
    (dir, summary)
}

fn statistics(path: &Path) -> Vec<f32> {
    tensors(path).into_iter().filter(|(name, ..)| name.contains(".running_")).flat_map(|(.., values)| values).collect()
}

#[test]
fn all_clients_take_part_and_send_what_they_train() {
    let place = Place::new();
    let (dir, summary) = whole(&place, "run", &HETEROFL);
    assert_eq!((summary.status, summary.rounds as usize), (Status::Done, WARMUP));
    // Two of six clients have the whole model.
    let bytes = 4 * (2 * PARAMS + (CLIENTS - 2) * NARROW);
    for line in metrics(&dir) {
        assert_eq!((line["phase"].as_str(), line["clients"].as_u64()), (Some("warmup"), Some(CLIENTS)));
        assert_eq!((line["uplink_bytes"].as_u64(), line["downlink_bytes"].as_u64()), (Some(bytes), Some(bytes)));
    }
    assert_eq!(summary.pivot_accuracy, summary.final_accuracy);
    // It learns: 70 % after 40 rounds, where a tenth is chance.
    let (_, longer) = whole(&place, "longer", &[&HETEROFL[..], &["warmup.rounds=40", "eval.every=40"]].concat());
    assert!(longer.final_accuracy.unwrap() > 0.55, "{:?}", longer.final_accuracy);
    // Half of the clients a round: of all of them.
    let (half, _) = whole(&place, "half", &[&HETEROFL[..], &["warmup.participation=0.5"]].concat());
    assert!(metrics(&half).iter().all(|line| line["clients"] == 3));
}

#[test]
fn cost_counts_what_a_run_sends() {
    let place = Place::new();
    let sets = [&HETEROFL[..], &["warmup.participation=0.5"]].concat();
    let (_, summary) = whole(&place, "run", &sets);
    let mut command = zowarmup();
    command.args(["cost", "--json", "--device", "reference"]).arg(place.path("small.toml"));
    for set in &sets {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let cost: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(cost["warmup"]["uplink_bytes"], 4 * PARAMS);
    assert_eq!(cost["sub_network"]["params"], NARROW);
    assert_eq!(cost["sub_network"]["uplink_bytes"], 4 * NARROW);
    assert_eq!(cost["total"]["uplink_bytes"], summary.uplink_bytes);
    assert_eq!(cost["total"]["downlink_bytes"], summary.downlink_bytes);
}

#[test]
fn a_resumed_run_gives_the_same_bits() {
    for place in [Place::new(), batch_norms()] {
        let sets = [&HETEROFL[..], &["warmup.participation=0.7", "warmup.rounds=4"]].concat();
        let (straight, _) = whole(&place, "straight", &sets);
        for rounds in [1, 2, 3] {
            let dir = stopped(&place, &format!("stopped {rounds}"), &sets, rounds);
            assert_eq!(resumed(&dir, &[]).unwrap().status, Status::Done);
            assert_same(&straight, &dir);
        }
    }
}

#[test]
fn batch_norms_have_the_statistics_of_all_clients_whenever_they_are_evaluated() {
    let place = batch_norms();
    let sets = [&HETEROFL[..], &["eval.every=2"]].concat();
    let (dir, summary) = whole(&place, "run", &sets);
    let (fresh, last) = (statistics(&dir.join("init.safetensors")), statistics(&dir.join("final.safetensors")));
    assert_eq!(fresh.len(), last.len());
    assert!(fresh.iter().zip(&last).all(|(a, b)| a != b), "none is left as it began");
    // They are those that the recomputing policy takes at a pivot of these weights.
    let again = dir.join("final.safetensors");
    let weights = format!("model.weights=\"{}\"", again.display());
    let sets = [&weights[..], "warmup.rounds=0", "zo.rounds=1", "zo.lr=0", "zo.norm_statistics=recomputed"];
    let (recomputed, _) = whole(&place, "recomputed", &sets);
    assert_eq!(statistics(&recomputed.join("pivot.safetensors")), last);
    // When they are taken changes nothing else: parameters don't depend on evaluations.
    let (often, more) = whole(&place, "often", &[&HETEROFL[..], &["eval.every=1"]].concat());
    assert!(fs::read(often.join("final.safetensors")).unwrap() == fs::read(again).unwrap());
    // They are sent once, with the last round: 8 bytes a channel and client.
    let channels = fresh.len() as u64 / 2;
    let sent: Vec<u64> = metrics(&dir).iter().map(|line| line["uplink_bytes"].as_u64().unwrap()).collect();
    assert_eq!((sent[1], sent[2]), (sent[0], sent[0] + 8 * channels * CLIENTS));
    assert_eq!(summary.uplink_bytes, more.uplink_bytes);
}

#[test]
fn what_makes_no_sub_network_is_refused_before_anything_is_written() {
    let place = Place::new();
    let refused = |sets: &[&str]| {
        let out = place.path("out");
        let observer = &mut zowarmup::fed::observer::Silent;
        let error = run::start(&config(&place, sets), Some(&out), &twins(), observer).unwrap_err().to_string();
        assert!(!out.exists());
        error
    };
    let resnet = ["model={kind=\"resnet\",width=4,groups=4,depth=10}"];
    let error = refused(&[&HETEROFL[..], &resnet].concat());
    assert!(error.starts_with("heterofl.low_width = 0.5") && error.contains("2 channels"), "{error}");
    // A width that the groups divide is fine.
    let wider = [&HETEROFL[..], &resnet, &["heterofl.low_width=1.0", "warmup.rounds=1", "warmup.batch=20"]].concat();
    assert_eq!(whole(&place, "wide", &wider).1.status, Status::Done);
    // 33 samples a client leave a batch of one, whose image is one pixel behind three halvings.
    let place = batch_norms();
    let error = run::start(
        &config(&place, &[&HETEROFL[..], &["warmup.batch=16"]].concat()),
        Some(&place.path("out")),
        &twins(),
        &mut zowarmup::fed::observer::Silent,
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("warmup.batch") && error.contains("bn1"), "{error}");
}
