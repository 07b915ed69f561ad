//! Random streams that only the host draws from: split, initial weights, client sampling, shuffling.
//! Each has a domain of its own, so that changing one never changes another (perturbation-stream, Seeds).

use rand::SeedableRng;
use rand_pcg::Pcg64;
use sha2::{Digest, Sha256};

/// The generator of one domain (such as `"weights"`) under a u64 seed.
pub fn pcg(seed: u64, domain: &str) -> Pcg64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(domain.as_bytes());
    Pcg64::from_seed(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn domains_and_seeds_give_streams_of_their_own() {
        let first = |seed, domain| pcg(seed, domain).next_u64();
        assert_eq!(first(1, "weights"), first(1, "weights"));
        assert_ne!(first(1, "weights"), first(1, "split"));
        assert_ne!(first(1, "weights"), first(2, "weights"));
    }
}
