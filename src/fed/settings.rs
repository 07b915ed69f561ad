//! What of a config a run's bits follow from, and what may change between its processes.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::config::{Config, DataName, NormalisationName};
use crate::data::Normalisation;

/// Keys that change no bit: where files lie, where and within how much memory is computed. The normalisation's name is free because a
/// run's config has the numbers.
const FREE: [&str; 6] =
    ["data.path", "data.normalisation", "split.file", "model.weights", "device.select", "device.memory_budget"];

/// A key whose value isn't the one that a run began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `section.key`.
    pub key: String,
    /// The run's value.
    pub began: String,
    /// The value now.
    pub now: String,
}

/// The keys that differ and may change bits, sorted.
pub fn changes(began: &Config, now: &Config) -> Vec<Change> {
    let (began, now) = (flat(began), flat(now));
    let missing = || "none".to_owned();
    let keys: std::collections::BTreeSet<&String> = began.keys().chain(now.keys()).collect();
    keys.into_iter()
        .filter(|key| began.get(*key) != now.get(*key))
        .map(|key| Change {
            key: key.clone(),
            began: began.get(key).cloned().unwrap_or_else(missing),
            now: now.get(key).cloned().unwrap_or_else(missing),
        })
        .collect()
}

/// Sections of a config that mean nothing before the pivot.
const AFTER_THE_PIVOT: [&str; 3] = ["zo", "eval", "device"];

/// Whether a key may differ between runs that share a pivot: it is in one of those sections, or the name.
pub fn is_after_the_pivot(key: &str) -> bool {
    let below =
        |section: &&str| key.strip_prefix(*section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    key == "name" || AFTER_THE_PIVOT.iter().any(below)
}

/// What the pivot follows from: a line a key.
pub fn before_the_pivot(config: &Config) -> String {
    let all = every(config).into_iter().filter(|(key, _)| !is_after_the_pivot(key));
    all.map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// Every key with its value as TOML, free ones left out, seeds resolved.
fn flat(config: &Config) -> BTreeMap<String, String> {
    let mut all = every(config);
    all.retain(|key, _| !FREE.contains(&key.as_str()));
    all
}

/// Every key with its value as TOML, seeds resolved.
fn every(config: &Config) -> BTreeMap<String, String> {
    let table: Table = toml::from_str(&config.to_toml()).unwrap_or_default();
    let mut all = BTreeMap::new();
    flatten("", &table, &mut all);
    let seeds = &config.seeds;
    let seeds = [
        ("split", seeds.split),
        ("weights", seeds.weights),
        ("sampling", seeds.sampling),
        ("shuffle", seeds.shuffle),
        ("probes", seeds.probes),
    ];
    all.extend(seeds.map(|(name, seed)| (format!("seeds.{name}"), format!("{seed:016x}"))));
    all
}

fn flatten(prefix: &str, table: &Table, all: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(table) => flatten(&key, table, all),
            value => drop(all.insert(key, value.to_string())),
        }
    }
}

/// The config as a run keeps it: normalisation as numbers.
pub fn settled(config: &Config, normalisation: &Normalisation) -> Config {
    let mut settled = config.clone();
    if settled.data.mean.is_empty() {
        // The shortest decimals that give the same f32.
        let decimal = |x: &f32| x.to_string().parse().unwrap_or(f64::from(*x));
        settled.data.mean = normalisation.mean.iter().map(decimal).collect();
        settled.data.std = normalisation.std.iter().map(decimal).collect();
    }
    settled
}

/// Says how a normalisation was guessed, where the config names none and it isn't the usual one of such files (MNIST's).
pub fn guessed(config: &Config, normalisation: &Normalisation) -> Option<String> {
    let data = &config.data;
    let named = data.normalisation != NormalisationName::Auto || !data.mean.is_empty();
    let (mean, std) = (&normalisation.mean, &normalisation.std);
    let none = mean.iter().all(|&m| m == 0.0) && std.iter().all(|&s| s == 1.0);
    let usual = none || (&mean[..], &std[..]) == (&[0.1307][..], &[0.3081][..]);
    if named || usual || data.name != DataName::Idx {
        return None;
    }
    Some(format!(
        "data.normalisation = \"auto\" was taken as mean {mean:?}, std {std:?} because of where the files lie; name it in the config to be sure"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(sets: &[&str]) -> Config {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::load(None, &sets).unwrap()
    }

    fn keys(began: &Config, now: &Config) -> Vec<String> {
        changes(began, now).into_iter().map(|c| c.key).collect()
    }

    #[test]
    fn what_changes_bits_is_named() {
        let began = config(&[]);
        assert!(changes(&began, &config(&["device.memory_budget=1GiB", "device.select=cpu"])).is_empty());
        let binomial = changes(&began, &config(&["zo.distribution=binomial"]));
        let expected = Change {
            key: "zo.distribution".to_owned(),
            began: "\"rademacher\"".to_owned(),
            now: "\"binomial\"".to_owned(),
        };
        assert_eq!(binomial, [expected]);
        assert_eq!(keys(&began, &config(&["zo.lr=0.04", "model.hidden=[3]"])), ["model.hidden", "zo.lr"]);
        // Another seed is another value of every stream that follows from it.
        let seeds = keys(&began, &config(&["seed=5"]));
        assert!(seeds.contains(&"seed".to_owned()) && seeds.contains(&"seeds.probes".to_owned()), "{seeds:?}");
        assert_eq!(keys(&began, &config(&["seeds.probes=5"])), ["seeds.probes"]);
    }

    #[test]
    fn a_settled_config_has_numbers_that_give_the_same_f32() {
        let normalisation = Normalisation { divisor: 255.0, mean: vec![0.1307, 1e-7], std: vec![0.3081, 0.1] };
        let settled = settled(&config(&[]), &normalisation);
        assert_eq!(settled.data.mean, [0.1307, 1e-7]);
        let back = Config::parse(&settled.to_toml(), "x", Path::new(""), &[]).unwrap();
        let narrow: Vec<f32> = back.data.mean.iter().chain(&back.data.std).map(|&x| x as f32).collect();
        assert_eq!(narrow, [normalisation.mean, normalisation.std].concat());
        assert!(changes(&settled, &back).is_empty());
    }
}
