//! Settings of the config format that this version cannot carry out. A version that can removes the line here.

use super::names::{DataName, WarmupAlgorithm, ZoOptimizer, ZoParticipants};
use super::source::Source;
use super::{Config, ConfigError};
use crate::stream::Distribution;

/// The first setting that is not available, as an error naming key, value and what to use.
pub(super) fn check(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let zo = &config.zo;
    let quoted = |name: &str| format!("\"{name}\"");
    let refusals = [
        (
            matches!(config.data.name, DataName::ImageNet32 | DataName::Npz),
            "data.name",
            quoted(config.data.name.name()),
            "idx, with the samples saved as IDX files (docs/data.md shows how)",
        ),
        (config.warmup.algorithm == WarmupAlgorithm::FedAdam, "warmup.algorithm", quoted("fedadam"), "fedavg"),
        (zo.local_steps > 1, "zo.local_steps", zo.local_steps.to_string(), "1"),
        (
            zo.local_lr != 0.0,
            "zo.local_lr",
            zo.local_lr.to_string(),
            "0: it is the rate of steps that aren't made here",
        ),
        (zo.optimizer != ZoOptimizer::Sgd, "zo.optimizer", quoted(zo.optimizer.name()), "sgd"),
        (
            zo.participants == ZoParticipants::HighFirstOrder,
            "zo.participants",
            quoted("high-first-order"),
            "all or low",
        ),
        (
            zo.distribution == Distribution::Sphere,
            "zo.distribution",
            quoted("sphere"),
            "rademacher, binomial, gaussian or uniform",
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
