//! `zowarmup stream`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, ForceArgs, JsonArgs};
use super::error::Error;
use super::outfile::OutFile;
use super::output;
use crate::device::{Device, DeviceError, as_f32, open};
use crate::kernels::{fill, vec4_bytes};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// `stream`.
#[derive(Debug, Args)]
pub struct StreamArgs {
    /// The seed, 1 to 16 hex digits
    #[arg(long, value_name = "HEX", value_parser = parse_seed)]
    pub seed: u64,
    /// rademacher, binomial, gaussian or uniform
    #[arg(long, value_parser = parse_distribution)]
    pub distribution: Distribution,
    /// Index of the first element
    #[arg(long, default_value_t = 0)]
    pub start: u64,
    /// How many elements
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=(1 << 28)))]
    pub count: u32,
    /// Write the elements as little-endian f32 to a file, too
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Elements generated at once: 16 MiB of f32, a multiple of every distribution's block.
const PIECE: u32 = 1 << 22;

#[derive(Serialize)]
struct Elements {
    device: String,
    distribution: &'static str,
    seed: String,
    start: u64,
    /// f32 values widened: their decimals then name exactly these numbers.
    values: Vec<f64>,
}

/// Prints elements of the stream, and dumps them where asked.
pub fn execute(args: &StreamArgs) -> Result<u8, Error> {
    let dump = args.dump.as_deref().map(|path| OutFile::new(path, args.force.force, &[])).transpose()?;
    let mut device = open(&args.device.selection()?)?;
    let values = generate(device.as_mut(), args)?;
    if let Some(file) = &dump {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        file.write(&bytes)?;
    }
    let result = Elements {
        device: device.info().name.clone(),
        distribution: args.distribution.name(),
        seed: format!("{:016x}", args.seed),
        start: args.start,
        values: values.into_iter().map(f64::from).collect(),
    };
    output::print(args.json.json, &result, |r| {
        let line = |(i, v): (u64, &f64)| format!("{}\t{v}\n", r.start.wrapping_add(i));
        (0u64..).zip(&r.values).map(line).collect()
    })?;
    Ok(0)
}

fn generate(device: &mut dyn Device, args: &StreamArgs) -> Result<Vec<f32>, DeviceError> {
    let piece = PIECE.min(args.count);
    let buffer = device.create_buffer("elements", vec4_bytes(piece))?;
    let mut values = Vec::new();
    let mut done = 0;
    while done < args.count {
        let count = piece.min(args.count - done);
        let mut recording = Recording::new();
        let start = args.start.wrapping_add(u64::from(done));
        fill::record(&mut recording, device.info(), args.distribution, args.seed, start, count, buffer);
        recording.read_back(Span::of(buffer, u64::from(count) * 4));
        values.extend(as_f32(&device.run(&recording)?.concat()));
        done += count;
    }
    device.destroy_buffer(buffer);
    Ok(values)
}

/// 1 to 16 hex digits, after 0x or not.
fn parse_seed(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let hex = (1..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten().ok_or_else(|| "expected 1 to 16 hex digits".to_owned())
}

fn parse_distribution(text: &str) -> Result<Distribution, String> {
    // A sphere's elements depend on the length of the vector: it has no stream of its own.
    let parsed = text.parse().ok().filter(|&d| d != Distribution::Sphere);
    parsed.ok_or_else(|| "expected rademacher, binomial, gaussian or uniform".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds() {
        assert_eq!(parse_seed("0x1F"), Ok(31));
        assert_eq!(parse_seed("ffffffffffffffff"), Ok(u64::MAX));
        for bad in ["", "0x", "00000000000000001", "+1", "xyz"] {
            assert!(parse_seed(bad).is_err(), "{bad}");
        }
        assert!(parse_distribution("sphere").is_err() && parse_distribution("uniform").is_ok());
    }
}
