//! Seeds of a run's random streams: how they are written, and how those that are not named derive from one.

use crate::rng::host;
use serde::{Serialize, Serializer};
use toml::{Table, Value};

/// What a seed looks like, in error messages.
pub(super) const EXPECTED: &str =
    "an integer from 0 to 18446744073709551615, or a hex string: 0x and 1 to 16 hex digits, or just 16 hex digits";

/// The seed of each random stream of a run, resolved: those that `[seeds]` doesn't name derive from `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// Partition of the samples and choice of the high-resource clients.
    pub split: u64,
    /// Initial weights.
    pub weights: u64,
    /// Clients taking part in each round.
    pub sampling: u64,
    /// Order of samples within local epochs.
    pub shuffle: u64,
    /// The `run_seed` that probe seeds derive from (perturbation-stream, Seeds).
    pub probes: u64,
}

/// The seeds that `[seeds]` names: what a config writes out, so that the others go on following from `seed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NamedSeeds {
    /// As [`Seeds::split`].
    #[serde(serialize_with = "write", skip_serializing_if = "Option::is_none")]
    pub split: Option<u64>,
    /// As [`Seeds::weights`].
    #[serde(serialize_with = "write", skip_serializing_if = "Option::is_none")]
    pub weights: Option<u64>,
    /// As [`Seeds::sampling`].
    #[serde(serialize_with = "write", skip_serializing_if = "Option::is_none")]
    pub sampling: Option<u64>,
    /// As [`Seeds::shuffle`].
    #[serde(serialize_with = "write", skip_serializing_if = "Option::is_none")]
    pub shuffle: Option<u64>,
    /// As [`Seeds::probes`].
    #[serde(serialize_with = "write", skip_serializing_if = "Option::is_none")]
    pub probes: Option<u64>,
}

impl Seeds {
    /// All streams of `seed`: each is [`host::derive`] of it with the domain `seeds/NAME`.
    pub fn derived(seed: u64) -> Self {
        let of = |name: &str| host::derive(seed, &format!("seeds/{name}"));
        Self {
            split: of("split"),
            weights: of("weights"),
            sampling: of("sampling"),
            shuffle: of("shuffle"),
            probes: of("probes"),
        }
    }

    /// Those that are named, the others of `seed`.
    pub(super) fn resolve(seed: u64, named: &NamedSeeds) -> Self {
        let derived = Self::derived(seed);
        Self {
            split: named.split.unwrap_or(derived.split),
            weights: named.weights.unwrap_or(derived.weights),
            sampling: named.sampling.unwrap_or(derived.sampling),
            shuffle: named.shuffle.unwrap_or(derived.shuffle),
            probes: named.probes.unwrap_or(derived.probes),
        }
    }

    fn by_name(&self) -> [(&'static str, u64); 5] {
        [
            ("split", self.split),
            ("weights", self.weights),
            ("sampling", self.sampling),
            ("shuffle", self.shuffle),
            ("probes", self.probes),
        ]
    }
}

/// Drops those entries of `[seeds]` that are what the file's own `seed` derives, before `--set seed=...` replaces it. Saved
/// configs of earlier versions name every seed; without this a new `seed` would change nothing there.
pub(super) fn drop_derived(root: &mut Table) {
    let seed = root.get("seed").map_or(Some(0), parse);
    let (Some(seed), Some(Value::Table(entries))) = (seed, root.get_mut("seeds")) else {
        return;
    };
    for (name, derived) in Seeds::derived(seed).by_name() {
        if entries.get(name).and_then(parse) == Some(derived) {
            entries.remove(name);
        }
    }
}

/// A seed from its TOML value: an integer, or a hex string.
pub(super) fn parse(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(i) => u64::try_from(*i).ok(),
        Value::String(text) => {
            let digits = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                Some(digits) => digits,
                None if text.len() == 16 => text,
                None => return None,
            };
            // from_str_radix would take a sign.
            let hex = !digits.is_empty() && digits.len() <= 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
        }
        _ => None,
    }
}

/// Whether a dotted key is a seed's.
pub(super) fn is_key(key: &str) -> bool {
    key == "seed" || key.starts_with("seeds.")
}

/// A seed as 16 hex digits.
pub(super) fn to_hex(seed: u64) -> String {
    format!("{seed:016x}")
}

fn write<S: Serializer>(seed: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&seed.map(to_hex).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_as_integers_and_hex() {
        let text = |s: &str| parse(&Value::String(s.to_owned()));
        assert_eq!(parse(&Value::Integer(7)), Some(7));
        assert_eq!(parse(&Value::Integer(-1)), None);
        assert_eq!(text("0xff"), Some(255));
        assert_eq!(text("ffffffffffffffff"), Some(u64::MAX));
        assert_eq!(text("0000000000000010"), Some(16));
        for bad in ["", "0x", "ff", "0x00000000000000001", "000000000000000g", "+00000000000000f", "0x+1", "1234"] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    #[test]
    fn derived_streams_differ() {
        let mut seen = std::collections::HashSet::new();
        for seed in [0, 1, 2, u64::MAX] {
            assert!(Seeds::derived(seed).by_name().iter().all(|(_, s)| seen.insert(*s)));
        }
    }
}
