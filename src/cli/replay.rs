//! `zowarmup replay`.

use std::path::PathBuf;

use clap::Args;

use super::args::{DeviceArgs, ForceArgs, JsonArgs};
use super::error::Error;
use super::outfile::OutFile;
use super::output::{self, grouped};
use super::say::say;
use crate::fed::folder::MANIFEST;
use crate::fed::replay::{Replayed, replay};
use crate::fed::{FedError, dense};
use crate::files::folder_of;
use crate::weights;

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The ledger
    #[arg(long, value_name = "FILE")]
    pub ledger: PathBuf,
    /// Weights before its first round
    #[arg(long, value_name = "FILE")]
    pub base: PathBuf,
    /// Where the weights go; without it only the fingerprints are checked
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
    /// The last round to replay (absolute, 0-based) [default: all]
    #[arg(long, value_name = "ROUND")]
    pub until: Option<u32>,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Rebuilds weights from a ledger. Writes them, where told to, unless a fingerprint differs.
pub fn execute(args: &ReplayArgs) -> Result<u8, Error> {
    let inputs = [args.ledger.as_path(), args.base.as_path()];
    let out = args.out.as_deref().map(|out| OutFile::new(out, args.force.force, &inputs)).transpose()?;
    // What lies beside a ledger and is read with it.
    let beside = [MANIFEST, dense::FOLDER].map(|name| folder_of(&args.ledger).join(name));
    let out = out.map(|out| out.beside(beside)).transpose()?;
    let replayed = replay(&args.ledger, &args.base, args.until, &args.device.selection()?)?;
    replayed.notes.iter().for_each(say);
    let result = &replayed.result;
    if let (Some(out), None) = (&out, result.first_difference) {
        let bytes = weights::checked(out.path(), &replayed.tensors, &replayed.weights, &[]).map_err(FedError::from)?;
        out.write(&bytes)?;
    }
    output::print(args.json.json, result, |r| text(args, r))?;
    Ok(u8::from(result.first_difference.is_some()))
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
