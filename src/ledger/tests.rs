//! Ledgers against the golden replays, round trips, and every kind of bad line.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::rng::pool_seed;
use crate::stream::Distribution;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn golden_text() -> String {
    std::fs::read_to_string(folder("replay-small/ledger.jsonl")).unwrap()
}

#[test]
fn written_ledgers_read_back_and_go_on() {
    let golden = Ledger::read(&folder("replay-small/ledger.jsonl")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.jsonl");
    let mut writer = LedgerWriter::create(&path, golden.header.clone()).unwrap();
    assert!(Ledger::read(&path).unwrap().rounds.is_empty());
    golden.rounds.iter().for_each(|r| drop(writer.append(r).unwrap()));
    assert!(writer.append(&golden.rounds[4]).unwrap_err().to_string().contains("round: expected more than"));
    drop(writer);
    assert_eq!(Ledger::read(&path).unwrap().rounds, golden.rounds);
    // The header has the same bytes as the other program's.
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().next(), golden_text().lines().next());

    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let torn = Ledger::read(&path).unwrap();
    assert!(torn.truncated && torn.rounds == golden.rounds[..4]);
    let mut writer = LedgerWriter::reopen(&path, 3).unwrap();
    golden.rounds[3..].iter().for_each(|r| drop(writer.append(r).unwrap()));
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert!(LedgerWriter::reopen(&path, 6).unwrap_err().to_string().contains("found 5"));
    assert!(LedgerWriter::create(&path, golden.header).is_err());
}

#[test]
fn differences_survive_to_the_bit() {
    let mut header = Ledger::read(&folder("replay-small/ledger.jsonl")).unwrap().header;
    (header.exact, header.optimizer) = (false, Some(Optimizer::Sgd {}));
    header.distribution = Distribution::Gaussian;
    let words = (0..2000u32).map(|c| f32::from_bits(crate::rng::philox([1, 2], [c, 0, 0, 0])[0]));
    let extremes = [f32::MAX, f32::MIN_POSITIVE, 1e-45, -0.0, 0.1];
    let probes = words.chain(extremes).map(|v| Entry {
        client: 0,
        step: None,
        k: None,
        seed: 1,
        weight: 1e-4,
        dl: Some(v).filter(|v| v.is_finite()),
        q: None,
    });
    let round = Round {
        round: 0,
        lr: 0.1,
        scale_exp: None,
        skipped: false,
        probes: probes.collect(),
        dense: None,
        fingerprint: 3,
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("l");
    LedgerWriter::create(&path, header).unwrap().append(&round).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(r#""exact":false,"optimizer":{"kind":"sgd"},"#)
            && !text.contains("\"q\"")
            && !text.contains("scale_exp")
    );
    let back = Ledger::read(&path).unwrap();
    let bits = |r: &Round| r.probes.iter().map(|p| p.dl.map(f32::to_bits)).collect::<Vec<_>>();
    assert_eq!(bits(&back.rounds[0]), bits(&round));
    // Rounded once, to f32: through f64 this lands on the tie and goes down.
    let line = r#"{"round":0,"lr":0.1,"probes":[{"client":0,"seed":"0000000000000001","weight":0.1,"dl":1.00000005960464477540}],"fingerprint":"0000000000000000"}"#;
    let text = format!("{}\n{line}\n", text.lines().next().unwrap());
    assert_eq!(Ledger::parse(&path, text.as_bytes()).unwrap().rounds[0].probes[0].dl, Some(1.000_000_1));
}

/// The message for the golden ledger with line `line` (1-based) changed.
fn broken(line: usize, change: impl Fn(&mut Value)) -> String {
    let mut lines: Vec<String> = golden_text().lines().map(str::to_owned).collect();
    let mut value: Value = serde_json::from_str(&lines[line - 1]).unwrap();
    change(&mut value);
    lines[line - 1] = value.to_string();
    let text = lines.join("\n") + "\n";
    let message = Ledger::parse(Path::new("l.jsonl"), text.as_bytes()).unwrap_err().to_string();
    assert!(message.starts_with(&format!("l.jsonl: line {line}: ")), "{message}");
    message
}

#[test]
fn bad_lines_are_named() {
    let set = |line: usize, pointer: &str, new: Value| {
        broken(line, |v| match v.pointer_mut(pointer) {
            Some(place) => *place = new.clone(),
            None => v[&pointer[1..]] = new.clone(),
        })
    };
    for (line, pointer, new, part) in [
        (1, "/format", json!("zo"), "format: expected \"zo-ledger\""),
        (1, "/version", json!(3), "version: expected 1 or 2, found 3"),
        (1, "/tau", json!(-1.0), "tau: expected"),
        (1, "/tau", json!("x"), "tau: invalid type: string"),
        (1, "/distribution", json!("gaussian"), "exact: expected false"),
        (1, "/distribution", json!("normal"), "normal"),
        (1, "/exact", json!(false), "optimizer: expected"),
        (1, "/base_sha256", json!("12"), "base_sha256: expected 64"),
        (1, "/run_seed", json!("0x12"), "run_seed: expected 16 hex digits"),
        (1, "/surprise", json!(1), "unknown field `surprise`"),
        (1, "/sides", json!(1), "version: expected 2 with the header's other fields, found 1"),
        (1, "/sides", json!(3), "sides: expected 1 or 2, found 3"),
        (1, "/uplink", json!("sign"), "uplink: expected shared_seeds"),
        (1, "/uplink", json!("f8"), "f8"),
        (1, "/normalise", json!("deviation"), "normalise: expected sides 1"),
        (2, "/dense", json!({"file": "deltas/1", "sha256": "0"}), "dense.file: expected none in a ledger of version 1"),
        (2, "/probes/0/weight", json!(0.999), "probes: expected weights that add up to at most 1"),
        (2, "/probes/0/client", json!(4_294_967_295u32), "client: expected an index"),
        (3, "/round", json!(200), "round: expected more than 200"),
        (3, "/lr", json!(null), "lr: invalid type: null"),
        (3, "/scale_exp", json!(61), "scale_exp: expected -60 to 60, found 61"),
        (3, "/skipped", json!(true), "scale_exp: expected 0 in a skipped round"),
        (3, "/fingerprint", json!("zz"), "fingerprint: expected 16 hex digits"),
        (4, "/probes/2/seed", json!("12"), "seed: expected 16 hex digits, found `12`"),
        (4, "/probes/2/weight", json!(1.5), "probes[2].weight: expected 0 to 1"),
        (4, "/probes/2/dl", json!(null), "probes[2].q: expected 0 where dl is null"),
        (4, "/probes/2/dl", json!("1"), "dl: invalid type"),
        (4, "/probes/2/q", json!(1.5), "q: invalid type: floating point"),
        (4, "/probes/2/q", json!(1 << 24), "q: expected sum |q|"),
        (4, "/probes/2/q", json!(null), "probes[2].q: missing"),
    ] {
        let message = set(line, pointer, new);
        assert!(message.contains(part), "{message}");
    }
    let message = broken(4, |v| {
        v["probes"][2].as_object_mut().unwrap().remove("dl");
    });
    assert!(message.contains("missing field `dl`"), "{message}");
    let message = broken(4, |v| v["probes"][2]["k"] = json!(0));
    assert!(message.contains("probes[2].k: expected none"), "{message}");

    let parse = |text: &str| Ledger::parse(Path::new("l.jsonl"), text.as_bytes()).unwrap_err().to_string();
    assert!(parse("").contains("line 1: expected a header"));
    assert!(parse(golden_text().lines().next().unwrap()).contains("line end"));
    assert!(parse(&golden_text().replacen("\n", "\n\n", 1)).contains("line 2: expected a JSON object"));
    assert!(parse(&golden_text().replacen("\"lr\"", "lr", 1)).contains("line 2"));
}

#[test]
fn pools_name_their_seeds() {
    let header = golden_text().lines().next().unwrap().replacen("\"run_seed\"", "\"seed_pool\":8,\"run_seed\"", 1);
    let round = |k: u32, seed: u64| {
        let probe = json!({"client": 0, "k": k, "seed": format!("{seed:016x}"), "weight": 1.0, "dl": null, "q": 0});
        let line = json!({"round": 1, "lr": 0.1, "scale_exp": 0, "skipped": true, "probes": [probe], "fingerprint": "0000000000000000"});
        Ledger::parse(Path::new("l"), format!("{header}\n{line}\n").as_bytes()).map(|l| l.rounds[0].skipped)
    };
    let seed = pool_seed(0x0123_4567_89ab_cdef, 7);
    assert!(round(7, seed).unwrap());
    assert!(round(8, seed).unwrap_err().to_string().contains("below seed_pool 8"));
    assert!(round(6, seed).unwrap_err().to_string().contains("seed 6 of the pool"));
}

#[test]
fn deltas_lie_inside_the_ledgers_folder() {
    let mut ledger = Ledger::read(&folder("methods/high-gradient/ledger.jsonl")).unwrap();
    assert_eq!(ledger.header.version, VERSION_2);
    let round = &mut ledger.rounds[0];
    let sha256 = round.dense.clone().unwrap().sha256;
    for (file, sha256, part) in [
        ("../x", &sha256[..], "dense.file: expected a path inside"),
        ("/etc/passwd", &sha256, "dense.file: expected a path inside"),
        ("", &sha256, "dense.file: expected a path inside"),
        ("deltas/0.safetensors", "12", "dense.sha256: expected 64"),
    ] {
        round.dense = Some(Dense { file: file.to_owned(), sha256: sha256.to_owned() });
        let message = validate::round(&ledger.header, None, round).unwrap_err();
        assert!(message.contains(part), "{message}");
    }
}
