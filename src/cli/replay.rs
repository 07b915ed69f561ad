//! `zowarmup replay`.

use super::args::ReplayArgs;
use super::error::Error;
use super::output::{self, grouped};
use crate::fed::FedError;
use crate::fed::replay::{Replayed, replay};
use crate::weights;

/// Rebuilds weights from a ledger. Writes them unless a fingerprint differs.
pub fn execute(args: &ReplayArgs) -> Result<u8, Error> {
    let replayed = replay(&args.ledger, &args.base, args.until, &args.device.selection())?;
    for note in &replayed.notes {
        eprintln!("{note}");
    }
    let result = &replayed.result;
    if result.first_difference.is_none() {
        weights::save(&args.out, &replayed.tensors, &replayed.weights, &[]).map_err(FedError::from)?;
    }
    output::print(args.json.json, result, |r| text(args, r))?;
    Ok(u8::from(result.first_difference.is_some()))
}

fn text(args: &ReplayArgs, r: &Replayed) -> String {
    let checked = match (r.matches, r.first_difference) {
        (_, Some(round)) => format!("DIFFERS from round {round} on; nothing was written"),
        (Some(_), None) => "every fingerprint matches".to_owned(),
        (None, None) => "fingerprints of a ledger that is not exact are not compared".to_owned(),
    };
    let wrote = if r.first_difference.is_none() { format!("wrote {}\n", args.out.display()) } else { String::new() };
    let (rounds, weights) = (r.rounds, grouped(r.params as u64));
    format!("{rounds} rounds replayed on {weights} weights: {checked}\nfingerprint {}\n{wrote}", r.fingerprint)
}
