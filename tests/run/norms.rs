//! Batch norm's statistics after the pivot: frozen, recomputed once, refreshed each round. On the CPU twins: an adapter would
//! compile a residual network's pipelines in each process.

use std::fs;
use std::path::Path;

use super::common::*;

/// Channels of all norms: a stem of 2 and stages of 2, 4, 8 and 16 with one block each.
const CHANNELS: u64 = 2 * 3 + 3 * (4 + 8 + 16);

fn place() -> Place {
    let place = Place::new();
    let config = fs::read_to_string(place.path("small.toml")).unwrap();
    let model = "kind = \"resnet\"\ndepth = 10\nwidth = 2\nnorm = \"batch\"";
    let config = config.replace("kind = \"mlp\"\nhidden = [16]", model).replace("rounds = 9", "rounds = 4");
    // 33 samples a client: batches of 16 would leave one of a single sample, which has no deviation where the image is one pixel.
    let config = config.replace("batch = 16", "batch = 12");
    // Statistics of so few samples make larger steps diverge.
    let config = config.replace("lr = 0.05", "lr = 0.001");
    fs::write(place.path("small.toml"), config + "[device]\nselect = \"reference\"\n").unwrap();
    place
}

/// The running statistics of a weights file.
fn statistics(path: &Path) -> Vec<f32> {
    tensors(path).into_iter().filter(|(name, ..)| name.contains(".running_")).flat_map(|(.., values)| values).collect()
}

#[test]
fn statistics_change_when_the_policy_says_so() {
    let place = place();
    let run = |policy: &str| place.run(policy, &[&format!("zo.norm_statistics={policy}")]);
    let (frozen, recomputed, refreshed) = (run("frozen"), run("recomputed"), run("refreshed"));
    let of = |dir: &Path, file: &str| statistics(&dir.join(file));
    assert_eq!(of(&frozen, "init.safetensors").len() as u64, 2 * CHANNELS);
    assert_ne!(of(&frozen, "init.safetensors"), of(&frozen, "pivot.safetensors"), "the warm-up moves them");
    assert_eq!(of(&frozen, "pivot.safetensors"), of(&frozen, "final.safetensors"));
    assert_ne!(of(&recomputed, "pivot.safetensors"), of(&frozen, "pivot.safetensors"));
    assert_eq!(of(&recomputed, "pivot.safetensors"), of(&recomputed, "final.safetensors"));
    assert_eq!(of(&refreshed, "pivot.safetensors"), of(&frozen, "pivot.safetensors"));
    assert_ne!(of(&refreshed, "pivot.safetensors"), of(&refreshed, "final.safetensors"));
    // 8 bytes a channel up and down, of each of six clients: never, once, in each of four rounds.
    let sent = |dir: &Path| {
        let summary = summary(dir);
        (summary["uplink_bytes"].as_u64().unwrap(), summary["downlink_bytes"].as_u64().unwrap())
    };
    let (up, down) = sent(&frozen);
    let once = 8 * CHANNELS * CLIENTS;
    assert_eq!(sent(&recomputed), (up + once, down + once));
    assert_eq!(sent(&refreshed), (up + 4 * once, down + 4 * once));
    // The pivot's figures and the final ones are those of the files, whatever the policy did to the statistics between.
    for dir in [&frozen, &recomputed, &refreshed] {
        let summary = summary(dir);
        for (file, key) in [("pivot.safetensors", "pivot_loss"), ("final.safetensors", "final_loss")] {
            let mut command = zowarmup();
            command.args(["eval", "--json", "--config"]).arg(dir.join("config.toml"));
            let output = command.arg("--weights").arg(dir.join(file)).output().unwrap();
            let scores: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(scores["loss"], summary[key], "{file} of {}", dir.display());
        }
    }
    let header = |dir: &Path| lines(&dir.join("ledger.jsonl"))[0]["norm_statistics"].clone();
    assert!(header(&frozen).is_null() && header(&recomputed).is_null());
    assert_eq!(header(&refreshed), "refreshed");
}

#[test]
fn killed_runs_find_their_statistics_again() {
    let place = place();
    for policy in ["recomputed", "refreshed"] {
        let sets = [&format!("zo.norm_statistics={policy}")[..]];
        let (dir, metrics) = (place.path(policy), place.path(policy).join("metrics.jsonl"));
        for (i, at) in [WARMUP - 1, WARMUP + 1, WARMUP + 2].into_iter().enumerate() {
            let mut command = zowarmup();
            command.arg("resume").arg(&dir);
            let mut process = Background::start(if i == 0 { place.command(policy, &sets) } else { command });
            process.until(|| line_count(&metrics) >= at);
            process.kill();
        }
        assert_eq!(resume_to(&dir, 0)["status"], "done");
        assert_same(&place.run(&format!("{policy} whole"), &sets), &dir);
    }
}

#[test]
fn a_replay_rebuilds_the_parameters_alone() {
    let place = place();
    let run = place.run("run", &["zo.norm_statistics=refreshed"]);
    let out = place.path("rebuilt.safetensors");
    let mut command = zowarmup();
    command.args(["replay", "--json", "--device", "reference", "--ledger"]).arg(run.join("ledger.jsonl"));
    let output = command.arg("--base").arg(run.join("pivot.safetensors")).arg("--out").arg(&out).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("running statistics"), "{}", stderr(&output));
    let parameters = |path: &Path| {
        let mut list = tensors(path);
        list.retain(|(name, ..)| !name.contains(".running_"));
        list
    };
    assert_eq!(parameters(&out), parameters(&run.join("final.safetensors")));
    assert_eq!(statistics(&out), statistics(&run.join("pivot.safetensors")));
}
