//! `zowarmup stream`.

use serde::Serialize;

use super::args::StreamArgs;
use super::error::Error;
use super::outfile::OutFile;
use super::output;
use crate::device::{Device, DeviceError, as_f32, open};
use crate::kernels::{fill, vec4_bytes};
use crate::recording::{Recording, Span};

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
