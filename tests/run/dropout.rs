//! Clients that drop out of rounds (`split.dropout`).

use std::collections::BTreeSet;

use super::common::*;

const SETS: [&str; 3] = ["split.dropout=0.4", "warmup.rounds=4", "zo.rounds=8"];

/// The clients of each zeroth-order round, as the ledger names them, with the weights of their pairs.
fn ledger(dir: &std::path::Path) -> Vec<Vec<(u64, f64)>> {
    let entry = |p: &serde_json::Value| (p["client"].as_u64().unwrap(), p["weight"].as_f64().unwrap());
    let round = |line: &serde_json::Value| line["probes"].as_array().unwrap().iter().map(entry).collect();
    lines(&dir.join("ledger.jsonl"))[1..].iter().map(round).collect()
}

#[test]
fn missing_clients_are_in_no_sum_and_are_sent_what_they_missed() {
    let place = Place::new();
    let dir = place.run("run", &SETS);
    let list = metrics(&dir);
    let count = |line: &serde_json::Value, key: &str| line[key].as_u64().unwrap();
    // Two high-resource clients in the warm-up, all of them after it.
    for (round, line) in list.iter().enumerate() {
        let sampled = if round < 4 { 2 } else { CLIENTS };
        assert!(count(line, "clients") >= 1);
        assert_eq!(count(line, "clients") + count(line, "dropouts"), sampled, "{line}");
        if round < 4 {
            let bytes = 4 * PARAMS * count(line, "clients");
            assert_eq!((count(line, "uplink_bytes"), count(line, "downlink_bytes")), (bytes, bytes));
        }
    }
    // The chance that nobody is missing is 0.6^56, that everybody always is even less.
    assert!(list[4..].iter().any(|line| count(line, "dropouts") > 0));
    let (probes, weights) = (2, 4 * PARAMS);
    let mut missed = vec![0; CLIENTS as usize];
    let mut there_once = BTreeSet::new();
    for (i, (pairs, line)) in ledger(&dir).iter().zip(&list[4..]).enumerate() {
        let there: BTreeSet<u64> = pairs.iter().map(|(client, _)| *client).collect();
        assert_eq!((there.len() as u64, pairs.len() as u64), (count(line, "clients"), count(line, "probes")));
        // Clients of equal size: the weights add up to 1 without the missing ones.
        let share = 1.0 / (there.len() as f64 * probes as f64);
        assert!(pairs.iter().all(|(_, weight)| (weight - share).abs() < 1e-15), "{pairs:?}");
        let mut catchup = 0;
        for (client, missed) in missed.iter_mut().enumerate() {
            if there.contains(&(client as u64)) {
                catchup += (12 * *missed).min(weights);
                *missed = 0;
            } else {
                *missed += pairs.len() as u64;
            }
        }
        assert_eq!(count(line, "catchup_bytes"), catchup);
        let (n, pivot) = (there.len() as u64, if i == 0 { weights * CLIENTS } else { 0 });
        assert_eq!(count(line, "uplink_bytes"), 4 * probes * n);
        assert_eq!(count(line, "downlink_bytes"), pivot + catchup + n * (8 * probes + 12 * probes * n));
        there_once.extend(there);
    }
    assert_eq!(there_once.len() as u64, CLIENTS, "everybody is there once");
}

#[test]
fn a_run_with_dropout_resumes_replays_and_changes_no_other_draw() {
    let place = Place::new();
    let (whole, dir) = (place.path("whole"), stopped(&place, "halves", &SETS, 7));
    let started =
        zowarmup::fed::run::start(&config(&place, &SETS), Some(&whole), &twins(), &mut zowarmup::fed::observer::Silent);
    started.unwrap();
    resumed(&dir, &[]).unwrap();
    assert_same(&whole, &dir);
    let mut replay = zowarmup();
    replay.args(["replay", "--json", "--ledger"]).arg(whole.join("ledger.jsonl"));
    let output = replay.arg("--base").arg(whole.join("pivot.safetensors")).output().unwrap();
    let replay: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((replay["matches"].as_bool(), replay["rounds"].as_u64()), (Some(true), Some(8)));
    // Half of the clients sampled: those that are there were sampled without dropout, too.
    let some = |out: &str, dropout: &str| {
        let sets = ["zo.participation=0.5", "zo.rounds=8", dropout];
        let path = place.path(out);
        zowarmup::fed::run::start(&config(&place, &sets), Some(&path), &twins(), &mut zowarmup::fed::observer::Silent)
            .unwrap();
        ledger(&path).into_iter().map(|pairs| pairs.into_iter().map(|(client, _)| client).collect()).collect()
    };
    let (all, rest): (Vec<BTreeSet<u64>>, Vec<BTreeSet<u64>>) =
        (some("a", "split.dropout=0"), some("b", "split.dropout=0.5"));
    assert!(rest.iter().zip(&all).all(|(rest, all)| rest.is_subset(all)), "{rest:?} of {all:?}");
    assert!(rest != all);
}
