//! Bytes that a round sends in the paper's protocol, all clients together. Weights are f32 (4 bytes), a seed is 8 bytes, a loss
//! difference 4.
//!
//! The reading of "each client 8 S down (its seeds), 4 S up, then 12 down for every (seed, dl) of the round": each client taking
//! part gets S seeds and sends S differences; then the server sends the whole round, one (seed, dl) of 12 bytes for each probe of
//! each client taking part, to each of those clients. With n clients that is `n (8 S + 12 n S)` down and `4 n S` up.

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

/// A ZO round in which `clients` make `probes` probes each. `pivot_clients` is the number of all the run's clients in the first
/// ZO round, which counts the weights that each of them gets at the pivot, and 0 in every other.
pub fn zo_round(params: usize, clients: usize, probes: u32, pivot_clients: usize) -> Bytes {
    let all = clients as u64 * u64::from(probes);
    let pivot = WEIGHT * params as u64 * pivot_clients as u64;
    Bytes { up: DIFFERENCE * all, down: pivot + SEED * all + (SEED + DIFFERENCE) * all * clients as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_sizes() {
        // ResNet18 of 11,173,962 weights, 5 high-resource clients of 50.
        assert_eq!(warmup_round(11_173_962, 5), Bytes { up: 223_479_240, down: 223_479_240 });
        // 50 clients, S = 3: 4 x 150 up; 8 x 150 down, and 12 x 150 to each of 50.
        assert_eq!(zo_round(11_173_962, 50, 3, 0), Bytes { up: 600, down: 1_200 + 90_000 });
        assert_eq!(zo_round(11_173_962, 50, 3, 50), Bytes { up: 600, down: 2_234_792_400 + 1_200 + 90_000 });
        assert_eq!(zo_round(10, 0, 3, 0), Bytes::default());
        // 8 bytes a channel, of 20 clients.
        assert_eq!(norm_statistics(4800, 20), Bytes { up: 768_000, down: 768_000 });
    }

    #[test]
    fn the_pivot_goes_to_clients_that_sit_the_round_out_too() {
        assert_eq!(zo_round(10, 1, 1, 4), Bytes { up: 4, down: 160 + 8 + 12 });
    }
}
