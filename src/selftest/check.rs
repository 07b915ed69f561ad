//! Running a recording on a device and on the CPU twins, and comparing what they read back.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::device::{Device, DeviceError, as_f32};
use crate::plan::{BufferId, Command, Recording};
use crate::reference::ReferenceDevice;

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Kernel and shape.
    pub name: String,
    /// The error is within the tolerance.
    pub passed: bool,
    /// Largest `|a - b| / (1 + |b|)` over all f32 read back; of a bitwise check the share of bytes that differ.
    pub error: f64,
    /// The most it may be; 0: every bit must agree.
    pub tolerance: f64,
}

/// Makes a recording on a device.
pub type Build<'a> = &'a dyn Fn(&mut dyn Device) -> Result<Recording, DeviceError>;

/// Builds the recording on both, runs both, compares, and gives the recording's buffers back.
///
/// # Errors
/// A failing device.
pub fn check(device: &mut dyn Device, name: &str, tolerance: f64, build: Build<'_>) -> Result<Check, DeviceError> {
    let ours = run(device, build)?;
    let theirs = run(&mut ReferenceDevice::new(None), build)?;
    let error = if tolerance > 0.0 { largest_error(&ours, &theirs) } else { share_of_different_bytes(&ours, &theirs) };
    Ok(Check { name: name.to_owned(), passed: error <= tolerance, error, tolerance })
}

fn run(device: &mut dyn Device, build: Build<'_>) -> Result<Vec<u8>, DeviceError> {
    let recording = build(device)?;
    let read = device.run(&recording)?.concat();
    for id in buffers(&recording) {
        device.destroy_buffer(id);
    }
    Ok(read)
}

/// Every buffer that a recording touches.
fn buffers(recording: &Recording) -> BTreeSet<BufferId> {
    let of = |command: &Command| match command {
        Command::Upload { buffer, .. } => vec![*buffer],
        Command::Clear(span) | Command::ReadBack(span) => vec![span.buffer],
        Command::Copy { from, to } => vec![from.buffer, to.buffer],
        Command::Dispatch(d) => d.bindings.iter().map(|span| span.buffer).collect(),
    };
    recording.commands().iter().flat_map(of).collect()
}

fn largest_error(ours: &[u8], theirs: &[u8]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let error = |(a, b): (f32, f32)| {
        let (a, b) = (f64::from(a), f64::from(b));
        // Equal infinities differ by nothing.
        if a == b { 0.0 } else { (a - b).abs() / (1.0 + b.abs()) }
    };
    let errors = as_f32(ours).into_iter().zip(as_f32(theirs)).map(error);
    // `f64::max` would pass over a NaN.
    errors.fold(0.0, |most, e| if most.is_nan() || e <= most { most } else { e })
}

fn share_of_different_bytes(ours: &[u8], theirs: &[u8]) -> f64 {
    if ours.len() != theirs.len() {
        return 1.0;
    }
    let different = ours.iter().zip(theirs).filter(|(a, b)| a != b).count();
    different as f64 / ours.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(largest_error(&bytes(&[1.0, 4.0]), &bytes(&[1.0, 3.0])), 0.25);
        assert!(largest_error(&bytes(&[f32::NAN, 1.0]), &bytes(&[1.0, 1.0])).is_nan());
        assert_eq!(largest_error(&bytes(&[f32::INFINITY]), &bytes(&[f32::INFINITY])), 0.0);
        assert_eq!(share_of_different_bytes(&bytes(&[0.0]), &bytes(&[-0.0])), 0.25);
        assert_eq!(share_of_different_bytes(&[], &[1]), 1.0);
    }

    #[test]
    fn buffers_are_given_back() {
        let mut device = ReferenceDevice::new(None);
        let build = |device: &mut dyn Device| {
            let buffer = device.create_buffer("numbers", 8)?;
            let mut recording = Recording::new();
            recording.upload(buffer, 0, &[1.0f32, 2.0]);
            recording.read_back(crate::plan::Span::of(buffer, 8));
            Ok(recording)
        };
        let found = check(&mut device, "upload", 0.0, &build).unwrap();
        assert!(found.passed && found.error == 0.0);
        assert_eq!(device.allocated_bytes(), 0);
    }
}
