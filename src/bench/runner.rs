//! Checking, warming up and timing a workload.

use std::time::Instant;

use serde::Serialize;

use super::{BenchError, Ceiling, Ceilings, Entry, Options};
use crate::device::{Device, DeviceError};
use crate::plan::{BufferId, Recording};

/// How often a workload runs.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// Runs before any is timed.
    pub warm_up: u32,
    /// Timed runs, at least.
    pub least: u32,
    /// Timed runs, at most.
    pub most: u32,
    /// Between these bounds: until this many seconds are spent.
    pub seconds: f64,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { warm_up: 2, least: 5, most: 50, seconds: 1.0 }
    }
}

/// The unit of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Memory traffic.
    #[serde(rename = "GB/s")]
    Bytes,
    /// Floating-point operations.
    #[serde(rename = "GFLOP/s")]
    Flops,
    /// Weights times seeds of a replay.
    #[serde(rename = "G seed-weights/s")]
    SeedWeights,
    /// Samples of a forward pass times 1e9.
    #[serde(rename = "G samples/s")]
    Samples,
}

/// Compares a workload's result with what it must be; the text of an error says where it differs.
pub type Check = Box<dyn FnOnce(&mut dyn Device) -> Result<Result<(), String>, DeviceError>>;
/// Runs a workload that is more than one recording.
pub type Step = Box<dyn FnMut(&mut dyn Device) -> Result<(), DeviceError>>;

/// What is timed.
pub enum Timed {
    /// A recording, by the device's clock where it has one.
    Recording(Recording),
    /// Host and device together, by wall time.
    Step(Step),
}

/// A benchmark made ready on a device.
pub struct Workload {
    /// Sizes, for people.
    pub shape: String,
    /// What one run does, in `unit` without its factor of 1e9 (bytes, operations, ...).
    pub work: f64,
    /// Unit.
    pub unit: Unit,
    /// The rate that bounds it, and what one run takes of it, in bytes or operations.
    pub bound: Option<(Ceiling, f64)>,
    /// What runs.
    pub timed: Timed,
    /// What it must give; runs before anything is timed.
    pub check: Check,
    /// Buffers to give back afterwards.
    pub buffers: Vec<BufferId>,
    /// For whole rounds: the dispatches of one.
    pub dispatches: Option<usize>,
}

/// A row of the results.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The entry.
    pub name: String,
    /// Sizes.
    pub shape: String,
    /// Median of the runs.
    pub seconds: f64,
    /// Timed runs.
    pub runs: usize,
    /// Work a second, in 1e9 of the unit.
    pub rate: f64,
    /// Its unit.
    pub unit: Unit,
    /// Share of the ceiling.
    pub of_ceiling: Option<f64>,
    /// Which ceiling.
    pub ceiling: Option<Ceiling>,
    /// `device` or `wall`.
    pub clock: &'static str,
    /// Dispatches, of a whole round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatches: Option<usize>,
    /// Bytes in live buffers, of a whole round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_bytes: Option<u64>,
}

/// Prepares an entry, checks its result, warms up, times it and gives its buffers back.
pub fn run(
    device: &mut dyn Device,
    entry: &Entry,
    options: &Options,
    ceilings: &Ceilings,
    repeats: &Repeats,
) -> Result<Outcome, BenchError> {
    let workload = (entry.prepare)(device, options)?;
    let outcome = timed(device, entry.name, workload.check, workload.timed, repeats);
    let device_bytes = workload.dispatches.map(|_| device.allocated_bytes());
    for id in workload.buffers {
        device.destroy_buffer(id);
    }
    let (seconds, runs, clock) = outcome?;
    Ok(Outcome {
        name: entry.name.to_owned(),
        shape: workload.shape,
        seconds,
        runs,
        rate: workload.work / seconds * 1e-9,
        unit: workload.unit,
        of_ceiling: workload.bound.map(|(ceiling, amount)| amount / seconds / ceilings.rate(ceiling)),
        ceiling: workload.bound.map(|(ceiling, _)| ceiling),
        clock,
        dispatches: workload.dispatches,
        device_bytes,
    })
}

fn timed(
    device: &mut dyn Device,
    name: &str,
    check: Check,
    timed: Timed,
    repeats: &Repeats,
) -> Result<(f64, usize, &'static str), BenchError> {
    check(device)?.map_err(|why| BenchError::Wrong { name: name.to_owned(), why })?;
    match timed {
        Timed::Recording(rec) => {
            let clock = if device.has_timestamps() { "device" } else { "wall" };
            let (seconds, runs) = median_seconds(device, &rec, repeats)?;
            Ok((seconds, runs, clock))
        }
        Timed::Step(mut step) => {
            let (seconds, runs) = median(repeats, || {
                let start = Instant::now();
                step(device)?;
                Ok(start.elapsed().as_secs_f64())
            })?;
            Ok((seconds, runs, "wall"))
        }
    }
}

/// The median time of a recording, and the number of timed runs.
pub fn median_seconds(
    device: &mut dyn Device,
    rec: &Recording,
    repeats: &Repeats,
) -> Result<(f64, usize), DeviceError> {
    median(repeats, || device.time(rec))
}

fn median(repeats: &Repeats, mut once: impl FnMut() -> Result<f64, DeviceError>) -> Result<(f64, usize), DeviceError> {
    for _ in 0..repeats.warm_up {
        once()?;
    }
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < repeats.least.max(1) as usize
        || times.len() < repeats.most as usize && start.elapsed().as_secs_f64() < repeats.seconds
    {
        times.push(once()?);
    }
    times.sort_unstable_by(f64::total_cmp);
    let middle = times.len() / 2;
    let seconds = if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2.0 };
    // A clock may be too coarse for a tiny workload.
    Ok((seconds.max(1e-9), times.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        let of = |least, times: &[f64]| {
            let mut times = times.iter();
            let repeats = Repeats { warm_up: 1, least, most: least, seconds: 0.0 };
            median(&repeats, || Ok(*times.next().unwrap())).unwrap()
        };
        assert_eq!(of(3, &[100.0, 3.0, 1.0, 2.0]), (2.0, 3));
        assert_eq!(of(4, &[100.0, 3.0, 1.0, 2.0, 8.0]), (2.5, 4));
    }
}
