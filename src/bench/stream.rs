//! Fills and the replay, at the size of a ResNet-18: 11,173,962 weights, 150 seeds.

use super::workload::{Check, Prepared, Timed, Workload};
use super::{BenchError, Ceiling, Options, Unit};
use crate::device::as_f32;
use crate::engine::Engine;
use crate::kernels::replay::{Exact, Probe, Target};
use crate::kernels::replaying::record_exact;
use crate::kernels::{fill, fill_constant as constant, vec4_bytes};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::{self, Distribution};

const SEED: u64 = 0x0123_4567_89ab_cdef;
/// Elements of a window that is checked.
const WINDOW: u32 = 1024;

/// Weights and seeds.
fn size(options: &Options) -> (u32, u32) {
    if options.small { (50_002, 5) } else { (11_173_962, 150) }
}

/// Three windows of a vector: its start, its middle, and its end.
fn windows(weights: u32) -> [u32; 3] {
    [0, weights / 2, weights - WINDOW]
}

/// Runs `rec`, then compares the windows of `buffer` with `expected(first element, window)`.
fn check_windows(
    rec: Recording,
    (buffer, weights): (BufferId, u32),
    tolerance: f64,
    expected: impl Fn(u32, &mut [f32]) + 'static,
) -> Check {
    Box::new(move |engine| {
        let mut rec = rec;
        for first in windows(weights) {
            rec.read_back(Span { buffer, offset: u64::from(first) * 4, bytes: u64::from(WINDOW) * 4 });
        }
        let results = engine.device_mut().run(&rec)?;
        let mut wanted = vec![0.0; WINDOW as usize];
        for (first, ours) in windows(weights).into_iter().zip(results) {
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

/// A constant, what the other fills are measured against, and each distribution.
pub fn fills(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (weights, _) = size(options);
    let (bytes, moved) = (vec4_bytes(weights), f64::from(weights) * 4.0);
    let out = engine.device_mut().create_buffer("bench fill", bytes)?;
    let workload = |name, what: &str, rec, check| Workload {
        name,
        shape: format!("{weights} f32, {what}"),
        work: moved,
        unit: Unit::Bytes,
        bound: Some((Ceiling::Store, moved)),
        timed: Timed::Recording(rec),
        check,
    };
    let mut rec = Recording::new();
    constant::record(&mut rec, Span::of(out, bytes), 0.25);
    let check = check_windows(rec.clone(), (out, weights), 0.0, |_, wanted| wanted.fill(0.25));
    let mut workloads = vec![workload("fill-constant", "constant", rec, check)];
    for (name, dist) in [
        ("fill-rademacher", Distribution::Rademacher),
        ("fill-binomial", Distribution::Binomial),
        ("fill-gaussian", Distribution::Gaussian),
        ("fill-uniform", Distribution::Uniform),
    ] {
        let mut rec = Recording::new();
        fill::record(&mut rec, engine.device().info(), dist, SEED, 0, weights, out);
        // Twice the contract's bound of a gaussian element: host and device may each use it up.
        let tolerance = if dist == Distribution::Gaussian { 2e-5 } else { 0.0 };
        let expected = move |first: u32, w: &mut [f32]| stream::fill(dist, SEED, u64::from(first), w);
        let check = check_windows(rec.clone(), (out, weights), tolerance, expected);
        workloads.push(workload(name, dist.name(), rec, check));
    }
    Ok(Prepared { workloads, buffers: vec![out] })
}

/// Exact replay of rademacher probes. A seed-weight counts as one multiply-add beside the arithmetic ceiling.
pub fn replay(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    const SCALE_EXP: i32 = 23;
    let (params, seeds) = size(options);
    let bytes = vec4_bytes(params);
    let device = engine.device_mut();
    let weights = device.create_buffer("bench weights", bytes)?;
    let list = device.create_buffer("bench probes", u64::from(seeds) * 16)?;
    let probes: Vec<(u64, i32)> =
        (0..seeds).map(|k| (SEED.wrapping_mul(2 * u64::from(k) + 1), 997 * (k as i32 % 29 - 14) + 3)).collect();
    let entries: Vec<Probe> = probes.iter().map(|&(seed, q)| Probe::exact(seed, q)).collect();
    let target = Target { probes: list, count: seeds, weights, offset: 0, first: 0, params };
    let mut rec = Recording::new();
    record_exact(&mut rec, Distribution::Rademacher, &target, SCALE_EXP, Exact::of(device.info()));
    let mut checked = Recording::new();
    checked.upload(list, 0, &entries);
    constant::record(&mut checked, Span::of(weights, bytes), 0.25);
    checked.append(rec.clone());
    let check = check_windows(checked, (weights, params), 0.0, move |first, wanted| {
        let mut acc = vec![0i32; wanted.len()];
        for &(seed, q) in &probes {
            stream::accumulate(Distribution::Rademacher, seed, u64::from(first), q, &mut acc);
        }
        let unit = f32::from_bits(((127 - SCALE_EXP) as u32) << 23);
        wanted.iter_mut().zip(acc).for_each(|(w, acc)| *w = 0.25 + acc as f32 * unit);
    });
    let work = f64::from(params) * f64::from(seeds);
    let workload = Workload {
        name: "replay",
        shape: format!("{params} weights, {seeds} seeds, rademacher"),
        work,
        unit: Unit::SeedWeights,
        bound: Some((Ceiling::Madd, 2.0 * work)),
        timed: Timed::Recording(rec),
        check,
    };
    Ok(Prepared { workloads: vec![workload], buffers: vec![weights, list] })
}
