//! Cases of the replay kernels.

use super::replay::{Owners, Probe, Target};
use super::{Case, Fixture, vec4_bytes};
use crate::caps::AdapterInfo;
use crate::recording::{BufferId, Recording, Span};
use crate::rng::philox;
use crate::stream::Distribution;

/// How a kernel's replay is recorded: onto a target, with exponent E, with the addition on integers.
pub trait Record: Fn(&mut Recording, &AdapterInfo, &Target, i32, bool) + Copy + Send + Sync + 'static {}
impl<F: Fn(&mut Recording, &AdapterInfo, &Target, i32, bool) + Copy + Send + Sync + 'static> Record for F {}

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

/// A kernel and the distribution it is tried with; `way` ends the names of its cases.
#[derive(Clone, Copy)]
pub struct Cases<R> {
    /// The distribution.
    pub dist: Distribution,
    /// Whether coefficients are integers and results equal, or f32.
    pub exact: bool,
    /// Ends the names.
    pub way: &'static str,
    /// The kernel's replay.
    pub record: R,
}

impl<R: Record> Cases<R> {
    /// Of an exact kernel without sizes of its own: parameters about a block of 128, roundings, several owners.
    pub fn usual(self, owners: impl Fn(&mut Recording, &Owners, bool) + Copy + Send + Sync + 'static) -> Vec<Case> {
        let mut cases: Vec<Case> = [1, 127, 128, 129, 5_000].map(|params| self.random(params, 7)).into();
        for scale_exp in [-60, -1, 23, 60] {
            cases.extend([false, true].map(|soft_add| self.rounding(scale_exp, soft_add)));
        }
        for (soft_add, addition) in [(false, ""), (true, " soft")] {
            cases.extend(self.owners(addition, move |rec, _, to| owners(rec, to, soft_add)));
        }
        cases
    }

    /// Replays `probes` made-up probes onto `params` weights.
    pub fn random(self, params: u32, probes: u32) -> Case {
        let Self { dist, exact, way, record } = self;
        // In f32: (probes + 1) roundings of terms that are at most 0.02 each, and an element's own error where it isn't exact.
        let tolerance = if exact { 0.0 } else { 1e-5 };
        Case::new(format!("replay {dist} {params}x{probes}{way}"), tolerance, move |f| {
            let seeds = (0..probes).map(|k| 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(u64::from(k) + 1));
            let integer = |(k, seed): (usize, u64)| Probe::exact(seed, 301 * (k as i32 % 5 - 2) + 1);
            let float = |(k, seed): (usize, u64)| Probe::float(seed, 0.001 * (k as f32 % 5.0 - 1.75));
            let list: Vec<Probe> =
                if exact { seeds.enumerate().map(integer).collect() } else { seeds.enumerate().map(float).collect() };
            replay(f, record, &list, &test_weights(params), params, (23, false))
        })
    }

    /// One probe of coefficient 1 onto weights whose sums are ties, cancel to zero, or lie a few exponents off.
    pub fn rounding(self, scale_exp: i32, soft_add: bool) -> Case {
        const COUNT: u32 = 4_096;
        let Self { dist, way, record, .. } = self;
        let addition = if soft_add { "soft" } else { "float" };
        Case::new(format!("replay {dist} rounding {addition} E={scale_exp}{way}"), 0.0, move |f| {
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
            replay(f, record, &[Probe::exact(99, 1)], &weights, COUNT, (scale_exp, soft_add))
        })
    }

    /// A vector in two windows.
    pub fn windows(self) -> Case {
        let Self { dist, exact, way, record } = self;
        let tolerance = if dist == Distribution::Gaussian { 2e-5 } else { 0.0 };
        Case::new(format!("windows {dist}{way}"), tolerance, move |f| {
            let (list, weights, params) = window_buffers(f, exact);
            let mut rec = Recording::new();
            for (first, params) in WINDOWS {
                let target = Target { probes: list, count: 1, weights, offset: 4 * u64::from(first), first, params };
                record(&mut rec, f.info(), &target, 3, false);
            }
            rec.read_back(Span::of(weights, vec4_bytes(params)));
            rec
        })
    }
}

impl<R> Cases<R> {
    /// Three owners with vectors in no order, gaps between them, exponents and numbers of probes of their own, that start from these or from
    /// another one. `addition` is part of the names.
    pub fn owners<O>(self, addition: &str, record: O) -> [Case; 2]
    where
        O: Fn(&mut Recording, &AdapterInfo, &Owners) + Copy + Send + Sync + 'static,
    {
        [false, true].map(|from| self.owners_of(addition, record, from))
    }

    fn owners_of<O>(&self, addition: &str, record: O, from: bool) -> Case
    where
        O: Fn(&mut Recording, &AdapterInfo, &Owners) + Send + Sync + 'static,
    {
        const PARAMS: u32 = 1_157;
        const STRIDE: u32 = 1_216;
        let Self { dist, exact, .. } = *self;
        let tolerance = if exact { 0.0 } else { 1e-5 };
        let start = if from { " from one vector" } else { "" };
        Case::new(format!("replay {dist} of owners{start}{addition}{}", self.way), tolerance, move |f| {
            let (vectors, counts, most) = ([2u32, 0, 1], [5u32, 1, 4], 5);
            let mut table = Vec::new();
            for (owner, (vector, count)) in vectors.into_iter().zip(counts).enumerate() {
                table.push(Probe::header(20 - 3 * owner as i32, vector * STRIDE));
                table.extend((0..most).map(|k| match (k < count, exact) {
                    (false, _) => Probe::default(),
                    (true, true) => Probe::exact(u64::from(k) << 31 | owner as u64, 301 * k as i32 - 2),
                    (true, false) => Probe::float(u64::from(k) << 31 | owner as u64, 0.003 * k as f32 - 0.002),
                }));
            }
            let all = test_weights(3 * STRIDE + PARAMS);
            let from = from.then(|| f.buffer("from", &all[3 * STRIDE as usize..]));
            let weights = f.buffer("weights", &all[..3 * STRIDE as usize]);
            let table = f.buffer("probes", &table).buffer;
            let mut rec = Recording::new();
            let to = Owners { table, owners: 3, count: most, weights, from, first: 0, params: PARAMS };
            record(&mut rec, f.info(), &to);
            rec.read_back(weights);
            rec
        })
    }
}

/// First elements and lengths of the windows of a vector.
pub const WINDOWS: [(u32, u32); 2] = [(0, 384), (384, 3_000)];

/// A probe's list and weights to be replayed in [`WINDOWS`], and how many they are.
fn window_buffers(f: &mut Fixture<'_>, exact: bool) -> (BufferId, BufferId, u32) {
    let params = WINDOWS.iter().map(|(_, params)| params).sum();
    let probe = if exact { Probe::exact(77, -5) } else { Probe::float(77, 0.25) };
    (f.buffer("probes", &[probe]).buffer, f.buffer("weights", &test_weights(params)).buffer, params)
}

/// Replays probes onto weights (whole vec4) with exponent and addition `how`, and reads the weights with their padding back.
fn replay(
    f: &mut Fixture<'_>,
    record: impl Record,
    probes: &[Probe],
    weights: &[f32],
    params: u32,
    (scale_exp, soft_add): (i32, bool),
) -> Recording {
    let weights = f.buffer("weights", weights);
    let list = f.buffer("probes", probes).buffer;
    let count = probes.len() as u32;
    let target = Target { probes: list, count, weights: weights.buffer, offset: 0, first: 0, params };
    let mut rec = Recording::new();
    record(&mut rec, f.info(), &target, scale_exp, soft_add);
    rec.read_back(weights);
    rec
}
