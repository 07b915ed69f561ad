//! The factor of a direction on the sphere: `sqrt(d) / ||gaussian||` over all d elements of the seed.

use crate::stream::{self, Distribution};

/// Elements made at once: a multiple of every block.
const CHUNK: usize = 4096;

/// What the gaussian elements of `seed` are multiplied by, so that their vector of `params` elements has the length `sqrt(params)`.
pub fn factor(seed: u64, params: usize) -> f64 {
    let mut elements = [0f32; CHUNK];
    let mut squares = 0f64;
    let mut first = 0;
    while first < params {
        let part = &mut elements[..CHUNK.min(params - first)];
        stream::fill(Distribution::Gaussian, seed, first as u64, part);
        squares += part.iter().map(|&e| f64::from(e).powi(2)).sum::<f64>();
        first += part.len();
    }
    // A vector of zeros has no direction: it moves nothing either way.
    if squares > 0.0 { (params as f64 / squares).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_end_on_the_sphere() {
        for params in [1, 5, 4096, 10_001] {
            let mut e = vec![0f32; params];
            stream::fill(Distribution::Gaussian, 0x9e37, 0, &mut e);
            let factor = factor(0x9e37, params);
            let length = e.iter().map(|&e| (f64::from(e) * factor).powi(2)).sum::<f64>().sqrt();
            assert!((length / (params as f64).sqrt() - 1.0).abs() < 1e-12, "{params}: {length}");
        }
    }
}
