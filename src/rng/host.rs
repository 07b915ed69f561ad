//! Random streams of the host: one PCG generator per (seed, domain), and the few draws made from them.
//!
//! Every choice of a run (partition, sampled clients, batch order, initial weights) has a domain of its own, so that changing
//! one never changes another. A domain is a short ASCII path such as `split/high` or `shuffle/round 3/client 7`.
//! The draws are defined here and in `distributions`, not taken from a library, so that a run repeats across versions of
//! dependencies (docs/random.md).

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// SHA-256 of `zowarmup/`, the domain, a zero byte and the seed's 8 bytes, little-endian.
fn digest(seed: u64, domain: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"zowarmup/");
    hash.update(domain.as_bytes());
    hash.update([0]);
    hash.update(seed.to_le_bytes());
    hash.finalize().into()
}

/// A seed derived from another: the first 8 bytes, little-endian, of the SHA-256 of `zowarmup/`, `domain`, a zero byte
/// and `seed` as 8 bytes, little-endian.
pub fn derive(seed: u64, domain: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest(seed, domain);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The generator of a domain: PCG64 (XSL-RR 128/64) whose state and stream are the two little-endian halves of the SHA-256
/// that [`derive()`] takes its 8 bytes from.
pub fn pcg(seed: u64, domain: &str) -> Pcg64 {
    Pcg64::from_seed(digest(seed, domain))
}

/// A uniform integer in `0..n`, without bias (Lemire's multiplication with rejection). 0 where `n` is 0.
pub fn below(rng: &mut Pcg64, n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    let threshold = n.wrapping_neg() % n;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(n);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

/// A uniform number in (0, 1], a multiple of 2^-53: never 0, so that its logarithm is finite.
pub fn unit(rng: &mut Pcg64) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Puts `items` in a uniformly random order (Fisher-Yates, from the end).
pub fn shuffle<T>(rng: &mut Pcg64, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u64 + 1) as usize);
    }
}

/// `k` distinct numbers of `0..n`, ascending, every such set equally likely. All of them where `k >= n`.
pub fn choose(rng: &mut Pcg64, n: u32, k: u32) -> Vec<u32> {
    let mut all: Vec<u32> = (0..n).collect();
    let k = k.min(n) as usize;
    for first in 0..k {
        let rest = (all.len() - first) as u64;
        all.swap(first, first + below(rng, rest) as usize);
    }
    all.truncate(k);
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From an independent implementation of this page in Python (hashlib and big integers).
    #[test]
    fn known_answers() {
        assert_eq!(derive(0, "seeds/split"), KNOWN_DERIVE);
        let mut rng = pcg(0x0123_4567_89AB_CDEF, "split/high");
        assert_eq!([rng.next_u64(), rng.next_u64(), rng.next_u64()], KNOWN_PCG);
    }
    const KNOWN_DERIVE: u64 = 0xCF30_64CE_3F0B_EF8E;
    const KNOWN_PCG: [u64; 3] = [0xAFA6_F8D0_3A19_E278, 0x80C9_DF04_1393_83D9, 0x5A0F_077F_9E69_436F];

    #[test]
    fn domains_and_seeds_are_separate() {
        let mut seen = std::collections::HashSet::new();
        for domain in ["split", "weights", "split/high", ""] {
            for seed in 0..100 {
                assert!(seen.insert(derive(seed, domain)));
            }
        }
    }

    #[test]
    fn below_is_in_range_and_even() {
        let mut rng = pcg(1, "test");
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
        }
        // 10,000 expected each, standard deviation 93: six of them.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 560), "{counts:?}");
        assert_eq!(below(&mut rng, 1), 0);
        assert_eq!(below(&mut rng, 0), 0);
    }

    #[test]
    fn unit_is_never_zero() {
        let mut rng = pcg(2, "test");
        let mean = (0..10_000).map(|_| unit(&mut rng)).inspect(|&u| assert!(u > 0.0 && u <= 1.0)).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 6.0 * 0.0029, "{mean}");
    }

    #[test]
    fn shuffle_and_choose_keep_every_item() {
        let mut rng = pcg(3, "test");
        let mut items: Vec<u32> = (0..50).collect();
        shuffle(&mut rng, &mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
        let some = choose(&mut rng, 50, 5);
        assert_eq!(some.len(), 5);
        assert!(some.windows(2).all(|w| w[0] < w[1]) && some.iter().all(|&i| i < 50));
        assert_eq!(choose(&mut rng, 4, 9), [0, 1, 2, 3]);
    }
}
