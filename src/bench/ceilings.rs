//! The device's own rates: copying, storing, multiply-adds in registers, launching, submitting, transfers to and from the host.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::times::{Repeats, in_turn, median, median_seconds};
use crate::device::{Device, DeviceError};
use crate::kernels::{copy, fill_constant, imadd, madd, matrix_madd};
use crate::recording::{Recording, Span};

/// Measured rates of a device. Rates that it wasn't asked for, or hasn't, are 0 and stay out of files.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Ceilings {
    /// Copy between two buffers, bytes read plus bytes written, in 1e9 a second.
    pub copy_gb_s: f64,
    /// Multiply-adds of f32 in independent chains, two operations each, in 1e9 a second.
    pub madd_gflop_s: f64,
    /// Stores of a constant, in 1e9 bytes a second.
    pub store_gb_s: f64,
    /// Those of cooperative matrices of f16 with sums in f32, of a device that was opened for them.
    #[serde(default, skip_serializing_if = "unmeasured")]
    pub matrix_gflop_s: f64,
    /// Multiply-adds of u32, as those of f32.
    #[serde(default, skip_serializing_if = "unmeasured")]
    pub imadd_gop_s: f64,
    /// Seconds that a launch adds to a recording of others that wait for each other.
    #[serde(default, skip_serializing_if = "unmeasured")]
    pub launch_seconds: f64,
    /// Seconds from submitting a recording that computes nothing until four bytes of it are back.
    #[serde(default, skip_serializing_if = "unmeasured")]
    pub submission_seconds: f64,
    /// Bytes from the host into a buffer, in 1e9 a second.
    #[serde(default, skip_serializing_if = "unmeasured")]
    pub upload_gb_s: f64,
    /// Bytes from a buffer to the host, in 1e9 a second.
    #[serde(default, skip_serializing_if = "unmeasured")]
    pub read_back_gb_s: f64,
}

/// Which rate bounds a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ceiling {
    /// Memory traffic both ways.
    Copy,
    /// Arithmetic.
    Madd,
    /// Arithmetic of cooperative matrices.
    Matrix,
    /// Stores.
    Store,
}

fn unmeasured(rate: &f64) -> bool {
    *rate == 0.0
}

impl Ceilings {
    /// The rate in operations or bytes a second.
    pub fn rate(&self, ceiling: Ceiling) -> f64 {
        1e9 * match ceiling {
            Ceiling::Copy => self.copy_gb_s,
            Ceiling::Madd => self.madd_gflop_s,
            Ceiling::Matrix => self.matrix_gflop_s,
            Ceiling::Store => self.store_gb_s,
        }
    }

    /// Raises a rate that something was seen to exceed.
    pub fn raise(&mut self, ceiling: Ceiling, rate: f64) {
        let own = match ceiling {
            Ceiling::Copy => &mut self.copy_gb_s,
            Ceiling::Madd => &mut self.madd_gflop_s,
            Ceiling::Matrix => &mut self.matrix_gflop_s,
            Ceiling::Store => &mut self.store_gb_s,
        };
        *own = own.max(rate * 1e-9);
    }
}

/// Workgroups of the arithmetic measurements: enough for every core of a large GPU, several times over.
const MADD_GROUPS: u32 = 4096;
/// Of those of matrices, four subgroups each.
const MATRIX_GROUPS: u32 = 1024;
/// How long one run of them shall take, about.
const MADD_SECONDS: f64 = 0.05;
/// Launches whose time is taken together.
const LAUNCHES: u32 = 256;
/// Bytes of a transfer, at most.
const TRANSFER: u64 = 64 << 20;

fn per_second(amount: f64, seconds: f64) -> f64 {
    amount / seconds.max(1e-9) * 1e-9
}

/// Measures the rates that bound workloads, on buffers of 128 MiB, or what the device binds.
pub fn ceilings(device: &mut dyn Device, repeats: &Repeats) -> Result<Ceilings, DeviceError> {
    let bytes = device.limits().binding.min(device.limits().memory / 4).min(128 << 20) & !15;
    let (from, to) = (device.create_buffer("bench source", bytes)?, device.create_buffer("bench target", bytes)?);
    let (source, target) = (Span::of(from, bytes), Span::of(to, bytes));
    let mut rec = Recording::new();
    fill_constant::record(&mut rec, source, 1.5);
    let store = median_seconds(device, &rec, repeats)?;
    let mut rec = Recording::new();
    copy::record(&mut rec, source, target);
    let copied = median_seconds(device, &rec, repeats)?;
    let arithmetic = in_registers(device, repeats, target)?;
    device.destroy_buffer(from);
    device.destroy_buffer(to);
    Ok(Ceilings {
        copy_gb_s: per_second(2.0 * bytes as f64, copied),
        store_gb_s: per_second(bytes as f64, store),
        ..arithmetic
    })
}

/// Measures the rates of arithmetic alone: multiply-adds of f32, and of cooperative matrices where there are such.
pub fn arithmetic(device: &mut dyn Device, repeats: &Repeats) -> Result<Ceilings, DeviceError> {
    let bytes = 256 * u64::from(MADD_GROUPS);
    let buffer = device.create_buffer("bench target", bytes)?;
    let out = Span::of(buffer, bytes);
    let result = in_registers(device, repeats, out);
    device.destroy_buffer(buffer);
    result
}

/// The same, with `out` for what the chains end with.
fn in_registers(device: &mut dyn Device, repeats: &Repeats, out: Span) -> Result<Ceilings, DeviceError> {
    let madd_gflop_s = chains(device, repeats, |rec, iterations| madd::record(rec, out, MADD_GROUPS, iterations))?;
    let info = device.info().clone();
    let groups = (out.bytes / u64::from(4 * matrix_madd::THREADS)).clamp(1, u64::from(MATRIX_GROUPS)) as u32;
    let matrix = |rec: &mut Recording, iterations| matrix_madd::record(rec, &info, out, groups, iterations);
    // Without such matrices plain code would be timed.
    let matrix_gflop_s = if info.matrices.of_device() { chains(device, repeats, matrix)? } else { 0.0 };
    Ok(Ceilings { madd_gflop_s, matrix_gflop_s, ..Ceilings::default() })
}

/// The rate of chains of operations, in 1e9 a second; `record` appends so many iterations and gives their operations.
fn chains(
    device: &mut dyn Device,
    repeats: &Repeats,
    record: impl Fn(&mut Recording, u32) -> u64,
) -> Result<f64, DeviceError> {
    // One iteration first: its time says how many make the run long enough that its start doesn't count.
    let mut rec = Recording::new();
    record(&mut rec, 1);
    let once = median_seconds(device, &rec, repeats)?.max(1e-7);
    let iterations = (MADD_SECONDS / once).clamp(1.0, 100_000.0) as u32;
    let mut rec = Recording::new();
    let operations = record(&mut rec, iterations);
    Ok(per_second(operations as f64, median_seconds(device, &rec, repeats)?))
}

/// Measures the rest: integers, launches, submissions, transfers.
pub fn latencies(device: &mut dyn Device, repeats: &Repeats, ceilings: &mut Ceilings) -> Result<(), DeviceError> {
    let bytes = device.limits().binding.min(device.limits().memory / 8).min(TRANSFER) & !15;
    let buffer = device.create_buffer("bench transfer", bytes)?;
    let all = Span::of(buffer, bytes);
    // Groups write an element a thread each.
    let groups = (bytes / 256).min(u64::from(MADD_GROUPS)) as u32;
    ceilings.imadd_gop_s = chains(device, repeats, |rec, iterations| imadd::record(rec, all, groups, iterations))?;
    let launches = |count: u32| {
        let mut rec = Recording::new();
        (0..count).for_each(|_| fill_constant::record(&mut rec, Span::of(buffer, 16), 1.0));
        rec
    };
    let one = median_seconds(device, &launches(1), repeats)?;
    let many = median_seconds(device, &launches(LAUNCHES), repeats)?;
    ceilings.launch_seconds = (many - one).max(0.0) / f64::from(LAUNCHES - 1);
    let mut rec = Recording::new();
    rec.read_back(Span::of(buffer, 4));
    ceilings.submission_seconds = wall_seconds(device, &rec, repeats)?;
    let mut rec = Recording::new();
    rec.upload(buffer, 0, &vec![1u8; bytes as usize]);
    rec.read_back(Span::of(buffer, 4));
    ceilings.upload_gb_s = per_second(bytes as f64, wall_seconds(device, &rec, repeats)?);
    let mut rec = Recording::new();
    rec.read_back(all);
    ceilings.read_back_gb_s = per_second(bytes as f64, wall_seconds(device, &rec, repeats)?);
    device.destroy_buffer(buffer);
    Ok(())
}

/// The median time of a recording until its read-backs are there, by the host's clock.
fn wall_seconds(device: &mut dyn Device, rec: &Recording, repeats: &Repeats) -> Result<f64, DeviceError> {
    let times = in_turn(1, repeats, |_| {
        let start = Instant::now();
        device.run(rec)?;
        Ok::<_, DeviceError>(start.elapsed().as_secs_f64())
    })?;
    Ok(times.first().map_or(f64::NAN, |times| median(times)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;

    #[test]
    fn every_rate_is_measured() {
        let mut device = ReferenceDevice::new(Some(8 << 20));
        let repeats = Repeats { warm_up: 0, least: 1, most: 1, seconds: 0.0 };
        let mut rates = Ceilings::default();
        latencies(&mut device, &repeats, &mut rates).unwrap();
        let all = [
            rates.imadd_gop_s,
            rates.launch_seconds,
            rates.submission_seconds,
            rates.upload_gb_s,
            rates.read_back_gb_s,
        ];
        assert!(all.iter().all(|rate| rate.is_finite() && *rate >= 0.0) && rates.imadd_gop_s > 0.0, "{rates:?}");
    }

    #[test]
    fn a_rate_that_was_exceeded_is_raised_and_never_lowered() {
        let mut rates = Ceilings { store_gb_s: 2.0, ..Ceilings::default() };
        rates.raise(Ceiling::Store, 3e9);
        rates.raise(Ceiling::Store, 1e9);
        assert_eq!((rates.store_gb_s, rates.copy_gb_s), (3.0, 0.0));
    }
}
