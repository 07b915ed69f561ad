//! Settings of the config format that this version cannot carry out. A version that can removes the line here.

use super::names::{DataName, WarmupAlgorithm};
use super::source::Source;
use super::{Config, ConfigError};

/// The first setting that is not available, as an error naming key, value and what to use.
pub(super) fn check(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let quoted = |name: &str| format!("\"{name}\"");
    let refusals = [
        (
            matches!(config.data.name, DataName::ImageNet32 | DataName::Npz),
            "data.name",
            quoted(config.data.name.name()),
            "idx, with the samples saved as IDX files (docs/data.md shows how)",
        ),
        (
            config.warmup.algorithm == WarmupAlgorithm::HeteroFl,
            "warmup.algorithm",
            quoted("heterofl"),
            "fedavg, fedavgm, fedadam or fedprox",
        ),
    ];
    match refusals.into_iter().find(|(refused, ..)| *refused) {
        None => Ok(()),
        Some((_, key, value, instead)) => Err(ConfigError::Unsupported {
            origin: source.origin(key),
            key: key.to_owned(),
            value,
            instead: instead.to_owned(),
        }),
    }
}
