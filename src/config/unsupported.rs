//! Settings of the config format that this version cannot carry out. A version that can removes the line here.

use super::names::{Augment, DataName, WarmupAlgorithm};
use super::source::Source;
use super::{Config, ConfigError};

/// The first setting that is not available, as an error naming key, value and what to use.
pub(super) fn check(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let warmup = &config.warmup;
    let quoted = |name: &str| format!("\"{name}\"");
    let options = [
        ("warmup.client_lr_decay", warmup.client_lr_decay, 1.0),
        ("warmup.momentum", warmup.momentum, 0.0),
        ("warmup.weight_decay", warmup.weight_decay, 0.0),
        ("warmup.clip_norm", warmup.clip_norm, 0.0),
    ];
    let options = options
        .map(|(key, value, usual)| (value != usual, key, value.to_string(), if usual == 0.0 { "0" } else { "1" }));
    let refusals = [
        (
            matches!(config.data.name, DataName::ImageNet32 | DataName::Npz),
            "data.name",
            quoted(config.data.name.name()),
            "idx, with the samples saved as IDX files (docs/data.md shows how)",
        ),
        (config.data.augment != Augment::None, "data.augment", quoted(config.data.augment.name()), "none"),
        (
            !matches!(warmup.algorithm, WarmupAlgorithm::FedAvg | WarmupAlgorithm::HeteroFl),
            "warmup.algorithm",
            quoted(warmup.algorithm.name()),
            "fedavg or heterofl",
        ),
        (config.eval.groups, "eval.groups", "true".to_owned(), "false"),
    ];
    match options.into_iter().chain(refusals).find(|(refused, ..)| *refused) {
        None => Ok(()),
        Some((_, key, value, instead)) => Err(ConfigError::Unsupported {
            origin: source.origin(key),
            key: key.to_owned(),
            value,
            instead: instead.to_owned(),
        }),
    }
}
