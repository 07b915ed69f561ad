//! Sums over the directions of many probes, on the host, in f64: slopes along them, and the estimates that they make up.
//!
//! A direction is never held as a whole: its elements are drawn for a piece of the vector at a time.

use std::ops::Range;

use super::parallel;
use crate::rng::probe_seed;
use crate::stream::{self, Distribution};

/// Elements of a piece.
const PIECE: usize = 1024;
/// The round whose seeds are used: the last that a seed can have, which no run gets to.
const ROUND: u32 = u32::MAX;

/// The directions of `draws` probes for each of some clients, client after client.
pub struct Directions {
    distribution: Distribution,
    seeds: Vec<u64>,
    /// What makes each direction's elements those of unit variance.
    factors: Vec<f64>,
    draws: usize,
}

/// What probes' numbers add up to as estimates of the gradient. Probe p's part of them is `u_p = sum over clients of c_kp z_kp`.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// For each size S asked for, for each estimate (the mean of S consecutive u), for each tensor: its product with the mean gradient,
    /// and its square.
    pub estimates: Vec<Vec<Vec<[f64; 2]>>>,
    /// Sum of the squares of all u.
    pub squares: f64,
    /// Square of the mean of all u.
    pub mean_square: f64,
}

impl Directions {
    /// The probes of `clients` in a model of `params` weights.
    pub fn new(distribution: Distribution, run_seed: u64, clients: &[u32], draws: u32, params: usize) -> Self {
        let of = |&c: &u32| (0..draws).map(move |p| probe_seed(run_seed, ROUND, c, p));
        let seeds: Vec<u64> = clients.iter().flat_map(of).collect();
        Self::of_seeds(distribution, seeds, draws as usize, params)
    }

    /// Directions of given seeds, client after client.
    pub fn of_seeds(distribution: Distribution, seeds: Vec<u64>, draws: usize, params: usize) -> Self {
        let sphere = distribution == Distribution::Sphere;
        let factor = |i: usize| {
            if sphere { stream::sphere_factor(seeds[i], params as u64) } else { distribution.scale() }
        };
        let factors = parallel::each(seeds.len(), factor);
        Self { distribution, seeds, factors, draws }
    }

    /// What they are drawn from.
    pub fn distribution(&self) -> Distribution {
        self.distribution
    }

    /// The first `count` seeds of client number `k`.
    pub fn seeds(&self, k: usize, count: usize) -> &[u64] {
        &self.seeds[k * self.draws..][..count]
    }

    /// For each probe the product of its direction (of unit variance) with its client's gradient, and with the mean one.
    pub fn slopes(&self, own: &[Vec<f32>], mean: &[f64]) -> Vec<[f64; 2]> {
        parallel::each(self.seeds.len(), |i| {
            let (gradient, mut e) = (&own[i / self.draws.max(1)], [0f32; PIECE]);
            let mut sums = [0f64; 2];
            for (n, (own, mean)) in gradient.chunks(PIECE).zip(mean.chunks(PIECE)).enumerate() {
                let e = &mut e[..own.len()];
                stream::fill(self.distribution, self.seeds[i], (n * PIECE) as u64, e);
                for ((&e, &own), &mean) in e.iter().zip(own).zip(mean) {
                    sums[0] += f64::from(e) * f64::from(own);
                    sums[1] += f64::from(e) * mean;
                }
            }
            sums.map(|s| s * self.factors[i])
        })
    }

    /// Estimates of `sizes` probes, for each list of coefficients `c` (one a probe, of directions of unit variance). `tensors`: the
    /// tensors' places in the vector.
    pub fn moments(
        &self,
        coefficients: &[Vec<f64>],
        mean: &[f64],
        tensors: &[Range<usize>],
        sizes: &[usize],
    ) -> Vec<Moments> {
        let pieces: Vec<(usize, Range<usize>)> = tensors
            .iter()
            .enumerate()
            .flat_map(|(t, range)| {
                range.clone().step_by(PIECE).map(move |start| (t, start..range.end.min(start + PIECE)))
            })
            .collect();
        let parts = parallel::each(pieces.len(), |i| {
            let range = pieces[i].1.clone();
            self.piece(coefficients, &mean[range.clone()], range.start, sizes)
        });
        let estimates = |size: &usize| vec![vec![[0.0; 2]; tensors.len()]; self.draws / size];
        let empty = Moments { estimates: sizes.iter().map(estimates).collect(), ..Moments::default() };
        let mut all = vec![empty; coefficients.len()];
        for ((tensor, _), sets) in pieces.iter().zip(parts) {
            for (total, part) in all.iter_mut().zip(sets) {
                total.squares += part.squares;
                total.mean_square += part.mean_square;
                for (total, part) in total.estimates.iter_mut().zip(part.estimates) {
                    for (total, part) in total.iter_mut().zip(part) {
                        total[*tensor][0] += part[0];
                        total[*tensor][1] += part[1];
                    }
                }
            }
        }
        all
    }

    /// The part of some consecutive elements in the moments of each list of coefficients.
    fn piece(&self, coefficients: &[Vec<f64>], mean: &[f64], start: usize, sizes: &[usize]) -> Vec<PieceMoments> {
        let len = mean.len();
        let clients = self.seeds.len() / self.draws.max(1);
        let mut e = vec![0f32; len];
        let mut sets: Vec<Accumulator> = coefficients.iter().map(|_| Accumulator::new(len, sizes)).collect();
        for p in 0..self.draws {
            for k in 0..clients {
                let i = k * self.draws + p;
                stream::fill(self.distribution, self.seeds[i], start as u64, &mut e);
                for (c, set) in coefficients.iter().zip(&mut sets) {
                    let c = c[i] * self.factors[i];
                    set.probe.iter_mut().zip(&e).for_each(|(u, &e)| *u += c * f64::from(e));
                }
            }
            sets.iter_mut().for_each(|set| set.next(mean));
        }
        sets.into_iter().map(|set| set.close(self.draws)).collect()
    }
}

/// As [`Moments`], of some elements of one tensor.
struct PieceMoments {
    estimates: Vec<Vec<[f64; 2]>>,
    squares: f64,
    mean_square: f64,
}

/// Running sums over the probes of some elements.
struct Accumulator {
    /// u of this probe.
    probe: Vec<f64>,
    /// Sum of all u so far.
    total: Vec<f64>,
    /// Size, how many u are in, and their sum, for the estimate of each size that is being made.
    running: Vec<(usize, usize, Vec<f64>)>,
    moments: PieceMoments,
}

impl Accumulator {
    fn new(len: usize, sizes: &[usize]) -> Self {
        let zeros = || vec![0f64; len];
        let moments = PieceMoments { estimates: vec![Vec::new(); sizes.len()], squares: 0.0, mean_square: 0.0 };
        Self {
            probe: zeros(),
            total: zeros(),
            running: sizes.iter().map(|&size| (size, 0, zeros())).collect(),
            moments,
        }
    }

    /// Takes the probe's u in.
    fn next(&mut self, mean: &[f64]) {
        self.total.iter_mut().zip(&self.probe).for_each(|(t, u)| *t += u);
        self.moments.squares += self.probe.iter().map(|u| u * u).sum::<f64>();
        for ((size, count, sum), done) in self.running.iter_mut().zip(&mut self.moments.estimates) {
            sum.iter_mut().zip(&self.probe).for_each(|(s, u)| *s += u);
            *count += 1;
            if *count == *size {
                let n = *size as f64;
                let product = sum.iter().zip(mean).map(|(s, g)| s * g).sum::<f64>() / n;
                let square = sum.iter().map(|s| s * s).sum::<f64>() / (n * n);
                done.push([product, square]);
                (*count, *sum) = (0, vec![0.0; sum.len()]);
            }
        }
        self.probe.fill(0.0);
    }

    fn close(mut self, draws: usize) -> PieceMoments {
        let n = draws.max(1) as f64;
        self.moments.mean_square = self.total.iter().map(|t| (t / n) * (t / n)).sum();
        self.moments
    }
}
