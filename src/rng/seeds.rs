//! Seeds of probes and of seed pools, derived from a run's seed (perturbation-stream, Seeds).

use super::philox::{key_of, philox};

const PROBE_DOMAIN: u32 = 0x5EED_0001;
const POOL_DOMAIN: u32 = 0x5EED_0002;
const INDEX_DOMAIN: u32 = 0x5EED_0003;

/// The seed of probe `probe` of client `client` in the absolute round `round`. With several local steps,
/// `probe` is `step * S + s`.
pub fn probe_seed(run_seed: u64, round: u32, client: u32, probe: u32) -> u64 {
    derive(run_seed, [round, client, probe, PROBE_DOMAIN])
}

/// Seed `k` of a fixed pool (FedKSeed).
pub fn pool_seed(run_seed: u64, k: u32) -> u64 {
    derive(run_seed, [k, 0, 0, POOL_DOMAIN])
}

/// Which of a pool's `size` seeds a probe uses; `round`, `client` and `probe` as for [`probe_seed`]. `size` is at least 1.
pub fn pool_index(run_seed: u64, round: u32, client: u32, probe: u32, size: u32) -> u32 {
    philox(key_of(run_seed), [round, client, probe, INDEX_DOMAIN])[0] % size.max(1)
}

fn derive(run_seed: u64, ctr: [u32; 4]) -> u64 {
    let [low, high, ..] = philox(key_of(run_seed), ctr);
    u64::from(low) | u64::from(high) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn golden_seeds() {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/stream-seeds.json"));
        let golden: Value = serde_json::from_str(text).unwrap();
        let hex = |v: &Value| u64::from_str_radix(v.as_str().unwrap(), 16).unwrap();
        let word = |v: &Value| v.as_u64().unwrap() as u32;
        let probes = golden["probe_seeds"].as_array().unwrap();
        let pool = golden["pool_seeds"].as_array().unwrap();
        assert!(probes.len() >= 7 && pool.len() >= 5);
        for case in probes {
            let seed =
                probe_seed(hex(&case["run_seed"]), word(&case["round"]), word(&case["client"]), word(&case["probe"]));
            assert_eq!(seed, hex(&case["seed"]), "{case}");
        }
        for case in pool {
            assert_eq!(pool_seed(hex(&case["run_seed"]), word(&case["k"])), hex(&case["seed"]), "{case}");
        }
    }
}
