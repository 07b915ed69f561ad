//! Cases of the stream, replay and fingerprint kernels: recordings whose read-backs must agree between a device and the CPU twins.

use super::{Case, Fixture};
use crate::device::DeviceError;
use crate::kernels::replay::{Exact, Probe, Target, record_exact, record_float};
use crate::kernels::{fill, fingerprint, vec4_bytes};
use crate::recording::{Recording, Span};
use crate::rng::philox;
use crate::stream::Distribution;

/// The distributions that a fill knows apart.
const DISTRIBUTIONS: [Distribution; 4] =
    [Distribution::Rademacher, Distribution::Binomial, Distribution::Gaussian, Distribution::Uniform];

/// Float addition and a selection a probe.
const PLAIN: Exact = Exact { soft_add: false, lookups: false };
/// Float addition and, where the device has them, lookups.
const LOOKUPS: Exact = Exact { soft_add: false, lookups: true };

/// The quick cases of this module.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dist in DISTRIBUTIONS {
        for (start, count) in [(0, 1), (0, 127), (128, 128), (77, 129), (1_000_003, 4_096), (u64::MAX - 200, 500)] {
            cases.push(fill_case(dist, start, count));
        }
        for params in [1, 127, 128, 129, 5_000] {
            cases.push(replay_case(dist, params, 7, PLAIN));
        }
    }
    for (params, probes) in [(1, 1), (127, 2), (128, 3), (129, 5), (5_000, 6), (5_001, 7), (9_000, 17)] {
        cases.push(replay_case(Distribution::Rademacher, params, probes, LOOKUPS));
    }
    for scale_exp in [-60, 23] {
        for soft_add in [false, true] {
            cases.push(rounding_case(Distribution::Rademacher, scale_exp, Exact { soft_add, ..LOOKUPS }));
        }
    }
    for dist in [Distribution::Rademacher, Distribution::Binomial] {
        for scale_exp in [-60, -1, 23, 60] {
            for soft_add in [false, true] {
                cases.push(rounding_case(dist, scale_exp, Exact { soft_add, ..PLAIN }));
            }
        }
    }
    for params in [1, 4_095, 4_097, 100_003] {
        cases.push(fingerprint_case(params));
    }
    for dist in DISTRIBUTIONS {
        cases.push(windows_case(dist));
    }
    cases
}

/// The long ones, a second or two on a software adapter: more than 65,535 workgroups, so that the grid folds; a large vector; a
/// replay of several launches.
pub fn large_cases() -> Vec<Case> {
    vec![
        fill_case(Distribution::Binomial, 0, 65_536 * 256 + 5),
        replay_case(Distribution::Rademacher, 65_536 * 128 + 5, 1, PLAIN),
        replay_case(Distribution::Rademacher, 1_700_001, 300, LOOKUPS),
        replay_case(Distribution::Binomial, 140_001, 300, PLAIN),
    ]
}

fn tolerance(dist: Distribution) -> f64 {
    // Twice the contract's bound on an element: either side may use it up.
    if dist == Distribution::Gaussian { 2e-5 } else { 0.0 }
}

fn fill_case(dist: Distribution, start: u64, count: u32) -> Case {
    let build = move |f: &mut Fixture<'_>| {
        let out = f.room("fill", vec4_bytes(count))?;
        let mut rec = Recording::new();
        fill::record(&mut rec, f.info(), dist, 0xfeed_beef_0123_4567, start, count, out);
        rec.read_back(Span::of(out, u64::from(count) * 4));
        Ok(rec)
    };
    Case::new(&format!("fill {dist} {start}+{count}"), tolerance(dist), build)
}

/// Weights of mixed magnitudes, one in nine of them zero.
pub fn test_weights(count: u32) -> Vec<f32> {
    (0..count.next_multiple_of(4))
        .map(|i| {
            let [a, b, c, _] = philox([1, 2], [i, 0, 0, 0]);
            let size = f32::from_bits((112 + b % 16) << 23);
            if c % 9 == 0 { 0.0 } else { (a as i32) as f32 * 4.656_613e-10 * size }
        })
        .collect()
}

/// Replays `probes` made-up probes onto `params` weights: exactly where the distribution allows, else in f32.
fn replay_case(dist: Distribution, params: u32, probes: u32, how: Exact) -> Case {
    let build = move |f: &mut Fixture<'_>| {
        let seeds = (0..probes).map(|k| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(u64::from(k) + 1));
        let exact = |(k, seed): (usize, u64)| Probe::exact(seed, 301 * (k as i32 % 5 - 2) + 1);
        let float = |(k, seed): (usize, u64)| Probe::float(seed, 0.001 * (k as f32 % 5.0 - 1.75));
        let list: Vec<Probe> = if dist.is_exact() {
            seeds.enumerate().map(exact).collect()
        } else {
            seeds.enumerate().map(float).collect()
        };
        replay_recording(f, dist, &list, &test_weights(params), params, 23, how)
    };
    // In f32: (probes + 1) roundings of terms that are at most 0.02 each, and an element's own error where it isn't exact.
    let tolerance = if dist.is_exact() { 0.0 } else { 1e-5 };
    let way = if how.lookups { " by lookups" } else { "" };
    Case::new(&format!("replay {dist} {params}x{probes}{way}"), tolerance, build)
}

/// One probe of coefficient 1 onto weights whose sums are ties, cancel to zero, or lie a few exponents off.
fn rounding_case(dist: Distribution, scale_exp: i32, exact: Exact) -> Case {
    const COUNT: u32 = 4_096;
    let build = move |f: &mut Fixture<'_>| {
        let unit = f32::from_bits(((127 - scale_exp) as u32) << 23);
        let weights: Vec<f32> = (0..COUNT)
            .map(|i| {
                let [a, b, c, _] = philox([11, 12], [i, 0, 0, 0]);
                let sign = (c & 1) << 31;
                match c >> 1 & 3 {
                    // Half an ulp is the unit: every sum with an odd element is a tie.
                    0 => f32::from_bits((unit.to_bits() + (24 << 23)) | a & 0x7f_ffff | sign),
                    1 => ((b % 33) as f32 - 16.0) * unit,
                    2 => f32::from_bits((unit.to_bits() + ((b % 30) << 23) - (3 << 23)) | a & 0x7f_ffff | sign),
                    _ => f32::from_bits(unit.to_bits() ^ sign),
                }
            })
            .map(|w| if w == 0.0 { 0.0 } else { w })
            .collect();
        replay_recording(f, dist, &[Probe::exact(99, 1)], &weights, COUNT, scale_exp, exact)
    };
    let how = if exact.soft_add { "soft" } else { "float" };
    let way = if exact.lookups { " by lookups" } else { "" };
    Case::new(&format!("replay {dist} rounding {how} E={scale_exp}{way}"), 0.0, build)
}

/// Uploads probes and weights (whole vec4), replays, and reads the weights with their padding back.
pub fn replay_recording(
    f: &mut Fixture<'_>,
    dist: Distribution,
    probes: &[Probe],
    weights: &[f32],
    params: u32,
    scale_exp: i32,
    exact: Exact,
) -> Result<Recording, DeviceError> {
    let buffer = f.room("weights", vec4_bytes(params))?;
    let list = f.room("probes", probes.len() as u64 * 16)?;
    let mut rec = Recording::new();
    rec.upload(list, 0, probes);
    rec.upload(buffer, 0, weights);
    let target = Target { probes: list, count: probes.len() as u32, weights: buffer, offset: 0, first: 0, params };
    if dist.is_exact() {
        record_exact(&mut rec, dist, &target, scale_exp, f.exact(exact));
    } else {
        record_float(&mut rec, dist, &target);
    }
    rec.read_back(Span::of(buffer, vec4_bytes(params)));
    Ok(rec)
}

/// A vector's replay and fingerprint, in two windows.
fn windows_case(dist: Distribution) -> Case {
    const PARTS: [(u32, u32); 2] = [(0, 384), (384, 3_000)];
    let build = move |f: &mut Fixture<'_>| {
        let params = PARTS.iter().map(|(_, params)| params).sum();
        let (list, sums) = (f.room("probes", 16)?, f.room("sums", 12)?);
        let buffer = f.room("weights", vec4_bytes(params))?;
        let mut rec = Recording::new();
        let probe = if dist.is_exact() { Probe::exact(77, -5) } else { Probe::float(77, 0.25) };
        rec.upload(list, 0, &[probe]);
        rec.upload(buffer, 0, &test_weights(params));
        rec.clear(Span::of(sums, 12));
        for (first, params) in PARTS {
            let offset = 4 * u64::from(first);
            // Before the replay: not all devices agree on the bits after one in f32.
            fingerprint::record_part(&mut rec, buffer, offset, first, params, Span::of(sums, 12));
            let target = Target { probes: list, count: 1, weights: buffer, offset, first, params };
            if dist.is_exact() {
                record_exact(&mut rec, dist, &target, 3, f.exact(LOOKUPS));
            } else {
                record_float(&mut rec, dist, &target);
            }
        }
        rec.read_back(Span::of(buffer, vec4_bytes(params)));
        rec.read_back(Span::of(sums, 12));
        Ok(rec)
    };
    Case::new(&format!("windows {dist}"), tolerance(dist), build)
}

fn fingerprint_case(params: u32) -> Case {
    let build = move |f: &mut Fixture<'_>| {
        let weights = f.room("weights", vec4_bytes(params))?;
        let sums = f.room("sums", 12)?;
        let mut rec = Recording::new();
        rec.upload(weights, 0, &test_weights(params));
        fingerprint::record(&mut rec, weights, 0, params, Span::of(sums, 12));
        rec.read_back(Span::of(sums, 12));
        Ok(rec)
    };
    Case::new(&format!("fingerprint {params}"), 0.0, build)
}

#[cfg(test)]
mod tests;
