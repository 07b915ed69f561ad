//! Bytes that a round sends in the paper's protocol, all clients together. Weights are f32 (4 bytes), a seed is 8 bytes, a loss
//! difference 4.
//!
//! The reading of "each client 8 S down (its seeds), 4 S up, then 12 down for every (seed, dl) of the round": each client taking
//! part gets S seeds and sends S differences; then the server sends the whole round, one (seed, dl) of 12 bytes for each probe of
//! each client taking part, to each of those clients. With n clients that is `n (8 S + 12 n S)` down and `4 n S` up.

use crate::config::{Normalise, Uplink, ZoConfig};

const WEIGHT: u64 = 4;
const SEED: u64 = 8;
const DIFFERENCE: u64 = 4;

/// Bytes sent in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Clients to server.
    pub up: u64,
    /// Server to clients.
    pub down: u64,
}

impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
    }
}

/// Batch norms' statistics, mean and variance of each of `channels`, up from and down to each of `clients`.
pub fn norm_statistics(channels: usize, clients: usize) -> Bytes {
    let bytes = 2 * WEIGHT * channels as u64 * clients as u64;
    Bytes { up: bytes, down: bytes }
}

/// A warm-up round: the weights down to and up from each of `clients` taking part.
pub fn warmup_round(params: usize, clients: usize) -> Bytes {
    let bytes = WEIGHT * params as u64 * clients as u64;
    Bytes { up: bytes, down: bytes }
}

/// The weights, to each of `clients`: at the pivot, counted in the first ZO round.
pub fn pivot(params: usize, clients: usize) -> Bytes {
    Bytes { up: 0, down: WEIGHT * params as u64 * clients as u64 }
}

/// A ZO round in which `probing` clients probe and `training` ones go on with backprop (methods.md). What is sent at the pivot and to clients
/// that return is counted apart.
pub fn zo_round(params: usize, zo: &ZoConfig, probing: usize, training: usize) -> Bytes {
    let weights = WEIGHT * params as u64;
    let own = u64::from(zo.local_steps) * u64::from(zo.probes);
    let (probing, training) = (probing as u64, training as u64);
    let numbers = match zo.uplink {
        Uplink::F32 => DIFFERENCE * own,
        Uplink::F16 => DIFFERENCE / 2 * own,
        Uplink::Sign => own.div_ceil(8),
        Uplink::Weights => weights,
    };
    let loss = if zo.rate_guard { DIFFERENCE } else { 0 };
    let deviation = if zo.normalise == Normalise::Deviation { DIFFERENCE } else { 0 };
    let pair = SEED + DIFFERENCE;
    let (seeds, all) = match () {
        () if zo.uplink == Uplink::Weights => (0, weights),
        () if zo.shared_seeds => (0, pair * own),
        () if zo.seed_pool > 0 => (0, (DIFFERENCE * u64::from(zo.seed_pool)).min(pair * own * probing)),
        () => (SEED * own, pair * own * probing),
    };
    let dense = if training > 0 { weights } else { 0 };
    Bytes {
        up: probing * (numbers + loss + deviation) + training * weights,
        down: probing * (seeds + all + dense) + training * (all + dense),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_sizes() {
        // ResNet18 of 11,173,962 weights, 5 high-resource clients of 50.
        assert_eq!(warmup_round(11_173_962, 5), Bytes { up: 223_479_240, down: 223_479_240 });
        // 50 clients, S = 3: 4 x 150 up; 8 x 150 down, and 12 x 150 to each of 50.
        assert_eq!(zo_round(11_173_962, &zo(&[]), 50, 0), Bytes { up: 600, down: 1_200 + 90_000 });
        assert_eq!(zo_round(10, &zo(&[]), 0, 0), Bytes::default());
        // 8 bytes a channel, of 20 clients.
        assert_eq!(norm_statistics(4800, 20), Bytes { up: 768_000, down: 768_000 });
    }

    #[test]
    fn methods_differ_in_what_is_sent() {
        let bytes = |sets: &[&str], probing, training| {
            let Bytes { up, down } = zo_round(100, &zo(sets), probing, training);
            (up, down)
        };
        // 5 clients of 2 steps of 3 probes: 30 pairs.
        assert_eq!(bytes(&["zo.local_steps=2"], 5, 0), (5 * 24, 5 * (48 + 360)));
        assert_eq!(bytes(&["zo.shared_seeds=true"], 5, 0), (5 * 12, 5 * 36));
        assert_eq!(bytes(&["zo.uplink=f16", "zo.rate_guard=true"], 5, 0), (5 * (6 + 4), 5 * (24 + 180)));
        assert_eq!(bytes(&["zo.uplink=sign", "zo.shared_seeds=true", "zo.probes=9"], 5, 0), (5 * 2, 5 * 108));
        // A pool of 40 is 160 bytes, the pairs are 180.
        assert_eq!(bytes(&["zo.seed_pool=40"], 5, 0), (5 * 12, 5 * 160));
        assert_eq!(bytes(&["zo.seed_pool=4096"], 5, 0), (5 * 12, 5 * 180));
        assert_eq!(bytes(&["zo.sides=1", "zo.normalise=deviation"], 5, 0).0, 5 * 16);
        assert_eq!(bytes(&["zo.uplink=weights"], 5, 0), (5 * 400, 5 * 400));
        // Those that train send and everyone gets weights.
        assert_eq!(
            bytes(&["zo.participants=high-gradient"], 5, 2),
            (5 * 12 + 800, 5 * (24 + 180 + 400) + 2 * (180 + 400))
        );
    }

    fn zo(sets: &[&str]) -> ZoConfig {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        crate::config::Config::load(None, &sets).unwrap().zo
    }
}
