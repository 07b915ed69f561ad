//! `zowarmup replay`.

use serde::Serialize;

use super::args::ReplayArgs;
use super::outfile::OutFile;
use super::output::{self, grouped};
use super::say::say;
use crate::device::open;
use crate::engine::Engine;
use crate::error::Error;
use crate::fed::recover::replay_round;
use crate::files::sha256_hex;
use crate::ledger::{Ledger, Optimizer};
use crate::model::{Graph, ModelSpec};
use crate::weights;

#[derive(Serialize)]
struct Replayed {
    rounds: usize,
    params: usize,
    fingerprint: String,
    matches: Option<bool>,
    first_difference: Option<u32>,
    truncated: bool,
}

/// Rebuilds weights from a ledger. Writes them, where told to, unless a fingerprint differs.
pub fn execute(args: &ReplayArgs) -> Result<u8, Error> {
    let ledger = Ledger::read(&args.ledger)?;
    let inputs = [args.ledger.as_path(), args.base.as_path()];
    let out = args.out.as_deref().map(|out| OutFile::new(out, args.force.force, &inputs)).transpose()?;
    let graph = model(args, &ledger)?;
    let base = base(args, &ledger, &graph)?;
    if ledger.truncated {
        let (path, complete) = (args.ledger.display(), ledger.rounds.len());
        say(format_args!("{path}: the last line has no line end and is left out; {complete} rounds are complete"));
    }
    let (tensors, params) = (graph.tensors.clone(), graph.param_count());
    let mut engine = Engine::new(open(&args.device.selection()?)?, graph, &base)?;
    if ledger.header.norm_statistics.is_some() {
        say(format_args!(
            "running statistics are not in a ledger: those of {} are kept, only parameters are rebuilt",
            args.base.display()
        ));
    }
    let exact = ledger.header.exact;
    let mut fingerprint = engine.fingerprint()?.value;
    let (mut rounds, mut first_difference) = (0, None);
    for round in ledger.rounds.iter().take_while(|r| args.until.is_none_or(|until| r.round <= until)) {
        fingerprint = replay_round(&mut engine, &ledger.header, round)?;
        rounds += 1;
        if exact && fingerprint != round.fingerprint {
            first_difference = Some(round.round);
            break;
        }
    }
    if let (Some(out), None) = (&out, first_difference) {
        out.write(&weights::checked(out.path(), &tensors, &engine.weights()?, &[])?)?;
    }
    let result = Replayed {
        rounds,
        params,
        fingerprint: format!("{fingerprint:016x}"),
        matches: exact.then_some(first_difference.is_none()),
        first_difference,
        truncated: ledger.truncated,
    };
    output::print(args.json.json, &result, |r| text(args, r))?;
    Ok(u8::from(first_difference.is_some()))
}

/// The ledger's model, and whether this version can replay the ledger.
fn model(args: &ReplayArgs, ledger: &Ledger) -> Result<Graph, Error> {
    let header = &ledger.header;
    let refuse = |what: String| Error::Request(format!("{}: line 1: {what}", args.ledger.display()));
    if matches!(header.optimizer, Some(Optimizer::Momentum { .. } | Optimizer::Adam { .. })) {
        return Err(refuse("optimizer: only sgd can be replayed in this version".to_owned()));
    }
    let spec = ModelSpec::from_json(&header.model).map_err(|e| refuse(e.to_string()))?;
    let graph = spec.graph().map_err(|e| refuse(e.to_string()))?;
    let params = graph.param_count();
    if params as u64 != header.params {
        return Err(refuse(format!("params: expected {params}, as the model has, found {}", header.params)));
    }
    Ok(graph)
}

/// The weights that the ledger starts from: exactly the file whose digest its header names.
fn base(args: &ReplayArgs, ledger: &Ledger, graph: &Graph) -> Result<Vec<f32>, Error> {
    let bytes = weights::read_bytes(&args.base, &graph.tensors)?;
    let base = weights::decode(&args.base, &bytes, &graph.tensors)?;
    let (found, expected) = (sha256_hex(&bytes), &ledger.header.base_sha256);
    if !found.eq_ignore_ascii_case(expected) {
        let (path, ledger) = (args.base.display(), args.ledger.display());
        let message = format!("{path}: expected the base of {ledger}, a file of SHA-256 {expected}, found {found}");
        return Err(Error::Request(message));
    }
    base.notes.iter().for_each(|note| eprintln!("{note}"));
    Ok(base.values)
}

fn text(args: &ReplayArgs, r: &Replayed) -> String {
    let checked = match (r.matches, r.first_difference) {
        (_, Some(round)) => format!("DIFFERS from round {round} on; nothing is written"),
        (Some(_), None) => "every fingerprint matches".to_owned(),
        (None, None) => "fingerprints of a ledger that is not exact are not compared".to_owned(),
    };
    let wrote = match &args.out {
        Some(out) if r.first_difference.is_none() => format!("wrote {}\n", out.display()),
        _ => String::new(),
    };
    let (rounds, weights) = (r.rounds, grouped(r.params as u64));
    format!("{rounds} rounds replayed on {weights} weights: {checked}\nfingerprint {}\n{wrote}", r.fingerprint)
}
