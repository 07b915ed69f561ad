//! A run's config: TOML to typed settings, complete and checked, and back.
//!
//! Unknown keys, wrong types and values out of range are errors that name the file (or `--set`), the full key, the value and
//! what was expected.

mod checks;
mod document;
mod elsewhere;
mod error;
mod keys;
mod load;
mod model;
mod names;
mod needed;
mod overrides;
mod presets;
mod ranges;
mod reader;
mod sections;
mod seeds;
mod source;
mod split;
#[cfg(test)]
mod tests;
mod warmup;
mod whole;
mod zo;

pub use error::ConfigError;
pub use load::Layers;
pub use model::ModelConfig;
pub use names::{
    Augment, DataName, LabelChoice, ModelKind, NormStatistics, NormalisationName, Normalise, SplitKind, Uplink,
    WarmupAlgorithm, ZoOptimizer, ZoParticipants,
};
pub use presets::{Change as PresetChange, Preset};
pub use ranges::share_of;
pub use sections::{DataConfig, DeviceConfig, EvalConfig, HeteroflConfig};
pub use seeds::{NamedSeeds, Seeds};
pub use split::SplitConfig;
pub use warmup::WarmupConfig;
pub use whole::Config;
pub use zo::{ZoConfig, ZoRate};
