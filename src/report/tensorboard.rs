//! The curves of runs as event files of TensorBoard: records of TFRecord's frame, each an `Event` in the wire format of Protocol Buffers.
//!
//! A record is its length (u64, little-endian), the masked CRC of those 8 bytes, the event, and the masked CRC of the event. An event has
//! `wall_time` (field 1, double), `step` (2, varint) and either `file_version` (3, string) or `summary` (5, message) with values (1,
//! message) of a `tag` (1, string) and a `simple_value` (2, float). The CRC is CRC-32C; masked, it is rotated right by 15 bits and
//! 0xa282ead8 is added.

use std::path::{Path, PathBuf};

use super::Report;
use crate::fed::RoundMetrics;
use crate::fed::record::Record;

/// The name of a run's file: TensorBoard looks for `tfevents` in it.
const FILE: &str = "events.out.tfevents.0.zowarmup";

/// A curve's tag and its figure.
type Curve = (&'static str, fn(&RoundMetrics) -> Option<f64>);

const CURVES: [Curve; 14] = [
    ("accuracy/test", |m| m.test_accuracy),
    ("accuracy/validation", |m| m.validation_accuracy),
    ("accuracy/averaged", |m| m.averaged_accuracy),
    ("accuracy/low_clients", |m| m.low_accuracy),
    ("accuracy/high_clients", |m| m.high_accuracy),
    ("accuracy/worst_tenth", |m| m.worst_tenth_accuracy),
    ("loss/train", |m| m.train_loss),
    ("loss/test", |m| m.test_loss),
    ("loss/validation", |m| m.validation_loss),
    ("dl/rms", |m| m.dl_rms),
    ("dl/zero", |m| m.dl_zero),
    ("bytes/up", |m| Some(m.uplink_bytes as f64)),
    ("bytes/down", |m| Some(m.downlink_bytes as f64)),
    ("time/round_seconds", |m| Some(m.seconds)),
];

/// An event file a run, each in a folder below `dir` that is named as the run's: paths and contents.
pub fn files(report: &Report, dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for run in report.groups.iter().flat_map(|group| &group.runs) {
        let name = run.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut folder = dir.join(&name);
        // Runs of several sweeps may have one name.
        let mut again = 2;
        while files.iter().any(|(file, _)| file.starts_with(&folder)) {
            folder = dir.join(format!("{name}-{again}"));
            again += 1;
        }
        files.push((folder.join(FILE), events(run)));
    }
    files
}

/// The event file of a run. Steps are rounds done; times are those of the run's own clock, from 0 on.
fn events(run: &Record) -> Vec<u8> {
    let mut out = record(&event(0.0, 0, &field(3, b"brain.Event:2")));
    let mut seconds = 0.0;
    for line in &run.metrics {
        seconds += line.seconds + line.compile_seconds;
        let values = CURVES.iter().filter_map(|(tag, figure)| Some(value(tag, figure(line)? as f32)));
        let summary: Vec<u8> = values.flat_map(|value| field(1, &value)).collect();
        out.extend(record(&event(seconds, u64::from(line.round) + 1, &field(5, &summary))));
    }
    out
}

fn event(wall_time: f64, step: u64, what: &[u8]) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend(wall_time.to_le_bytes());
    if step > 0 {
        // Zeros aren't written.
        out.push(2 << 3);
        varint(&mut out, step);
    }
    out.extend(what);
    out
}

fn value(tag: &str, number: f32) -> Vec<u8> {
    let mut out = field(1, tag.as_bytes());
    out.push(2 << 3 | 5);
    out.extend(number.to_le_bytes());
    out
}

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    varint(&mut out, bytes.len() as u64);
    out.extend(bytes);
    out
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A record of TFRecord's frame.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = length.to_vec();
    out.extend(masked(crc32c(&length)).to_le_bytes());
    out.extend(data);
    out.extend(masked(crc32c(data)).to_le_bytes());
    out
}

fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit from the low end.
fn crc32c(data: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 })
    };
    !data.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the CRC, and those of RFC 3720, B.4.
    #[test]
    fn the_crc_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    /// The first record of every file that TensorFlow writes, with a time of 0: 24 bytes, and that length's CRC.
    #[test]
    fn a_record_is_framed() {
        let first = record(&event(0.0, 0, &field(3, b"brain.Event:2")));
        assert_eq!(&first[..12], &[0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(&first[12..23], &[9, 0, 0, 0, 0, 0, 0, 0, 0, 26, 13]);
        assert_eq!(&first[23..36], b"brain.Event:2");
        assert_eq!(first.len(), 8 + 4 + 24 + 4);
        assert_eq!(event(0.5, 300, &[])[9..], [16, 0xac, 2]);
        assert_eq!(value("a", 0.5), [10, 1, b'a', 21, 0, 0, 0, 0x3f]);
    }
}
