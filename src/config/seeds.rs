//! Seeds of a run's random streams: reading, derivation, writing.

use super::error::ConfigError;
use super::reader::Section;
use crate::rng::host;
use serde::Serialize;
use toml::{Table, Value};

/// What a seed looks like, in error messages.
pub(super) const EXPECTED: &str =
    "an integer from 0, or a hex string: 0x and 1 to 16 hex digits, or just 16 hex digits";

/// The seed of each random stream of a run, resolved: those that `[seeds]` doesn't name derive from `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seeds {
    /// Partition of the samples and choice of the high-resource clients.
    #[serde(serialize_with = "write")]
    pub split: u64,
    /// Initial weights.
    #[serde(serialize_with = "write")]
    pub weights: u64,
    /// Clients taking part in each round.
    #[serde(serialize_with = "write")]
    pub sampling: u64,
    /// Order of samples within local epochs.
    #[serde(serialize_with = "write")]
    pub shuffle: u64,
    /// The `run_seed` that probe seeds derive from (perturbation-stream, Seeds).
    #[serde(serialize_with = "write")]
    pub probes: u64,
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

    pub(super) fn read(seed: u64, section: &Section<'_>) -> Result<Self, ConfigError> {
        let derived = Self::derived(seed);
        let or = |name: &str, value: u64| section.seed(name).map(|given| given.unwrap_or(value));
        Ok(Self {
            split: or("split", derived.split)?,
            weights: or("weights", derived.weights)?,
            sampling: or("sampling", derived.sampling)?,
            shuffle: or("shuffle", derived.shuffle)?,
            probes: or("probes", derived.probes)?,
        })
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

/// Drops those entries of `[seeds]` that are what the file's own `seed` derives, before `--set seed=...` replaces it. A run's
/// saved config names every seed; without this a new `seed` would change nothing there.
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
            let hex = !digits.is_empty()
                && digits.len() <= 16
                && digits.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
        }
        _ => None,
    }
}

/// Writes a seed as 16 hex digits.
pub(super) fn write<S: serde::Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{seed:016x}"))
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
        for bad in [
            "",
            "0x",
            "ff",
            "0x00000000000000001",
            "000000000000000g",
            "+00000000000000f",
            "0x+1",
            "1234",
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    #[test]
    fn derived_streams_differ() {
        let mut seen = std::collections::HashSet::new();
        for seed in [0, 1, 2, u64::MAX] {
            assert!(
                Seeds::derived(seed)
                    .by_name()
                    .iter()
                    .all(|(_, s)| seen.insert(*s))
            );
        }
    }
}
