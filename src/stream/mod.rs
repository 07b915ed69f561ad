//! The perturbation stream on the host: what a seed means (perturbation-stream, version 1). The WGSL twin is
//! `shaders/lib/stream.wgsl:elements`; floats are formed by the same operations in the same order, so that a device which
//! never fuses gives the same bits.

mod distribution;
mod gaussian;
pub mod replay;

pub use distribution::{Distribution, UnknownDistribution};

use crate::rng::philox::{key_of, philox};

/// Elements of a Philox block of a distribution: 128 signs, or four numbers.
#[inline]
pub fn block_len(dist: Distribution) -> u64 {
    if dist == Distribution::Rademacher { 128 } else { 4 }
}

/// Element `e_i` of a seed's stream, before `tau` and `scale`; of `sphere`, before its norm is divided out
/// (the elements are the gaussian's, see [`sphere_factor`]).
pub fn element(dist: Distribution, seed: u64, i: u64) -> f32 {
    let mut out = [0.0];
    fill(dist, seed, i, &mut out);
    out[0]
}

/// Fills `out` with the elements `start`, `start + 1`, ...; indices wrap at 2^64.
pub fn fill(dist: Distribution, seed: u64, start: u64, out: &mut [f32]) {
    let mut rest = out;
    for_each_block(dist, seed, start, rest.len(), |words, from, count| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(count);
        match dist {
            Distribution::Rademacher => {
                for (o, i) in head.iter_mut().zip(from..) {
                    *o = sign(words, i) as f32;
                }
            }
            Distribution::Binomial => {
                head.iter_mut().zip(&words[from..]).for_each(|(o, &x)| *o = centred_popcount(x) as f32);
            }
            Distribution::Gaussian | Distribution::Sphere => {
                head.copy_from_slice(&gaussian::block(words)[from..from + count]);
            }
            Distribution::Uniform => head.iter_mut().zip(&words[from..]).for_each(|(o, &x)| *o = uniform(x)),
        }
        rest = tail;
    });
}

/// Adds `q * e_i` for the elements from `start` on to `acc`, in wrapping i32. Defined for the distributions of integers
/// (`rademacher`, `binomial`); the elements of others are rounded towards zero.
pub fn accumulate(dist: Distribution, seed: u64, start: u64, q: i32, acc: &mut [i32]) {
    let mut rest = acc;
    for_each_block(dist, seed, start, rest.len(), |words, from, count| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(count);
        match dist {
            Distribution::Rademacher => {
                for (a, i) in head.iter_mut().zip(from..) {
                    *a = a.wrapping_add(sign(words, i).wrapping_mul(q));
                }
            }
            Distribution::Binomial => {
                for (a, &x) in head.iter_mut().zip(&words[from..]) {
                    *a = a.wrapping_add(centred_popcount(x).wrapping_mul(q));
                }
            }
            Distribution::Gaussian | Distribution::Sphere => {
                for (a, e) in head.iter_mut().zip(&gaussian::block(words)[from..]) {
                    *a = a.wrapping_add((*e as i32).wrapping_mul(q));
                }
            }
            // Every element lies inside (-1, 1).
            Distribution::Uniform => {}
        }
        rest = tail;
    });
}

/// What a `sphere` direction multiplies the gaussian's elements by: `sqrt(d) / ||gaussian||`, the norm over all `d`
/// elements, summed in f64 in the order of the index. 1 where all of them are zero.
pub fn sphere_factor(seed: u64, d: u64) -> f64 {
    let mut buffer = [0.0f32; 1024];
    let mut sum = 0.0f64;
    let mut start = 0;
    while start < d {
        let part = buffer.len().min(usize::try_from(d - start).unwrap_or(usize::MAX));
        fill(Distribution::Gaussian, seed, start, &mut buffer[..part]);
        sum += buffer[..part].iter().map(|&e| f64::from(e) * f64::from(e)).sum::<f64>();
        start += part as u64;
    }
    if sum > 0.0 { (d as f64 / sum).sqrt() } else { 1.0 }
}

/// Calls `each(words, first element within the block, number of elements)` for the blocks of a range, in order.
#[inline]
fn for_each_block(dist: Distribution, seed: u64, start: u64, len: usize, mut each: impl FnMut([u32; 4], usize, usize)) {
    let key = key_of(seed);
    let size = block_len(dist);
    let (mut block, mut from) = (start / size, (start % size) as usize);
    let last = u64::MAX / size;
    let mut left = len;
    while left > 0 {
        let count = left.min(size as usize - from);
        each(philox(key, [block as u32, (block >> 32) as u32, dist.stream_id(), 0]), from, count);
        left -= count;
        from = 0;
        block = if block == last { 0 } else { block + 1 };
    }
}

#[inline]
fn sign(words: [u32; 4], i: usize) -> i32 {
    ((words[i >> 5] >> (i & 31)) & 1) as i32 * 2 - 1
}

#[inline]
fn centred_popcount(word: u32) -> i32 {
    word.count_ones() as i32 - 16
}

/// An exact f32 in (-1, 1): the bracket has at most 25 bits and is odd, below 2^24 in magnitude.
#[inline]
fn uniform(word: u32) -> f32 {
    ((2 * (word >> 8) + 1) as i32 - (1 << 24)) as f32 * 5.960_464_5e-8
}

#[cfg(test)]
mod tests;
