//! Settings of the config format that this version cannot carry out. A version that can removes the line here.

use super::names::DataName;
use super::source::Source;
use super::{Config, ConfigError};

/// The first setting that is not available, as an error naming key, value and what to use.
pub(super) fn check(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let quoted = |name: &str| format!("\"{name}\"");
    let refusals = [(
        config.data.name == DataName::ImageNet32,
        "data.name",
        quoted(config.data.name.name()),
        "npz or idx, with the samples saved so (docs/data.md shows how)",
    )];
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
