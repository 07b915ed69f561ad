//! Fills and the replay, at the size of a ResNet-18: 11,173,962 weights, 150 seeds.

use super::runner::{Check, Timed};
use super::{BenchError, Ceiling, Options, Unit, Workload};
use crate::device::{Device, as_f32};
use crate::kernels::replay::{Probe, Target, record_exact};
use crate::kernels::{fill, fill_constant as constant, vec4_bytes};
use crate::plan::{BufferId, Recording, Span};
use crate::stream::{self, Distribution};

const WEIGHTS: u32 = 11_173_962;
const SEEDS: u32 = 150;
const SEED: u64 = 0x0123_4567_89ab_cdef;
/// Elements of a window that is checked.
const WINDOW: u32 = 1024;

/// Three windows of a vector: its start, its middle, and its end.
fn windows() -> [u32; 3] {
    [0, WEIGHTS / 2, WEIGHTS - WINDOW]
}

fn work(what: &str) -> String {
    format!("{WEIGHTS} f32, {what}")
}

/// Runs `rec`, then compares the windows of `buffer` with `expected(first element, window)`.
fn check_windows(
    rec: Recording,
    buffer: BufferId,
    tolerance: f64,
    expected: impl Fn(u32, &mut [f32]) + 'static,
) -> Check {
    Box::new(move |device| {
        let mut rec = rec;
        for first in windows() {
            rec.read_back(Span { buffer, offset: u64::from(first) * 4, bytes: u64::from(WINDOW) * 4 });
        }
        let results = device.run(&rec)?;
        let mut wanted = vec![0.0; WINDOW as usize];
        for (first, ours) in windows().into_iter().zip(results) {
            expected(first, &mut wanted);
            for (i, (a, b)) in (first..).zip(as_f32(&ours).into_iter().zip(&wanted)) {
                let error = f64::from((a - b).abs()) / (1.0 + f64::from(b.abs()));
                // Also false for NaN.
                let fits = error <= tolerance;
                if !fits {
                    return Ok(Err(format!("element {i} is {a}, expected {b}")));
                }
            }
        }
        Ok(Ok(()))
    })
}

/// Stores a constant: what the other fills are measured against.
pub fn fill_constant(device: &mut dyn Device, _: &Options) -> Result<Workload, BenchError> {
    let bytes = vec4_bytes(WEIGHTS);
    let out = device.create_buffer("bench fill", bytes)?;
    let mut rec = Recording::new();
    constant::record(&mut rec, Span::of(out, bytes), 0.25);
    let check = check_windows(rec.clone(), out, 0.0, |_, wanted| wanted.fill(0.25));
    Ok(filled(work("constant"), rec, check, out))
}

fn filled(shape: String, rec: Recording, check: Check, out: BufferId) -> Workload {
    let bytes = f64::from(WEIGHTS) * 4.0;
    Workload {
        shape,
        work: bytes,
        unit: Unit::Bytes,
        bound: Some((Ceiling::Store, bytes)),
        timed: Timed::Recording(rec),
        check,
        buffers: vec![out],
        dispatches: None,
    }
}

fn fill_of(device: &mut dyn Device, dist: Distribution) -> Result<Workload, BenchError> {
    let out = device.create_buffer("bench fill", vec4_bytes(WEIGHTS))?;
    let mut rec = Recording::new();
    fill::record(&mut rec, dist, SEED, 0, WEIGHTS, out);
    // Twice the contract's bound of a gaussian element: host and device may each use it up.
    let tolerance = if dist == Distribution::Gaussian { 2e-5 } else { 0.0 };
    let check =
        check_windows(rec.clone(), out, tolerance, move |first, w| stream::fill(dist, SEED, u64::from(first), w));
    Ok(filled(work(dist.name()), rec, check, out))
}

/// Signs.
pub fn fill_rademacher(device: &mut dyn Device, _: &Options) -> Result<Workload, BenchError> {
    fill_of(device, Distribution::Rademacher)
}

/// Centred popcounts.
pub fn fill_binomial(device: &mut dyn Device, _: &Options) -> Result<Workload, BenchError> {
    fill_of(device, Distribution::Binomial)
}

/// Normal numbers.
pub fn fill_gaussian(device: &mut dyn Device, _: &Options) -> Result<Workload, BenchError> {
    fill_of(device, Distribution::Gaussian)
}

/// Uniform numbers.
pub fn fill_uniform(device: &mut dyn Device, _: &Options) -> Result<Workload, BenchError> {
    fill_of(device, Distribution::Uniform)
}

/// Exact replay of rademacher probes. A seed-weight counts as one multiply-add beside the arithmetic ceiling.
pub fn replay(device: &mut dyn Device, _: &Options) -> Result<Workload, BenchError> {
    const SCALE_EXP: i32 = 23;
    let bytes = vec4_bytes(WEIGHTS);
    let weights = device.create_buffer("bench weights", bytes)?;
    let list = device.create_buffer("bench probes", u64::from(SEEDS) * 16)?;
    let probes: Vec<(u64, i32)> =
        (0..SEEDS).map(|k| (SEED.wrapping_mul(2 * u64::from(k) + 1), 997 * (k as i32 % 29 - 14) + 3)).collect();
    let entries: Vec<Probe> = probes.iter().map(|&(seed, q)| Probe::exact(seed, q)).collect();
    let target = Target { probes: list, count: SEEDS, weights, offset: 0, params: WEIGHTS };
    let mut rec = Recording::new();
    record_exact(&mut rec, Distribution::Rademacher, &target, SCALE_EXP, false);
    let mut checked = Recording::new();
    checked.upload(list, 0, &entries);
    constant::record(&mut checked, Span::of(weights, bytes), 0.25);
    checked.append(rec.clone());
    let check = check_windows(checked, weights, 0.0, move |first, wanted| {
        let mut acc = vec![0i32; wanted.len()];
        for &(seed, q) in &probes {
            stream::accumulate(Distribution::Rademacher, seed, u64::from(first), q, &mut acc);
        }
        let unit = f32::from_bits(((127 - SCALE_EXP) as u32) << 23);
        wanted.iter_mut().zip(acc).for_each(|(w, acc)| *w = 0.25 + acc as f32 * unit);
    });
    let work = f64::from(WEIGHTS) * f64::from(SEEDS);
    Ok(Workload {
        shape: format!("{WEIGHTS} weights, {SEEDS} seeds, rademacher"),
        work,
        unit: Unit::SeedWeights,
        bound: Some((Ceiling::Madd, 2.0 * work)),
        timed: Timed::Recording(rec),
        check,
        buffers: vec![weights, list],
        dispatches: None,
    })
}
