//! A whole config.

use super::{
    DataConfig, DeviceConfig, EvalConfig, HeteroflConfig, ModelConfig, NamedSeeds, Seeds, SplitConfig, WarmupConfig,
    ZoConfig,
};

/// A complete, checked config.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Names the run's folder; default `DATA-MODEL`.
    pub name: String,
    /// Every seed that `[seeds]` doesn't name derives from it.
    pub seed: u64,
    /// Data set.
    pub data: DataConfig,
    /// Partition of the samples.
    pub split: SplitConfig,
    /// Model table and start weights.
    pub model: ModelConfig,
    /// First-order phase.
    pub warmup: WarmupConfig,
    /// HeteroFL's sub-networks.
    pub heterofl: HeteroflConfig,
    /// Zeroth-order phase.
    pub zo: ZoConfig,
    /// When to evaluate.
    pub eval: EvalConfig,
    /// Where to compute.
    pub device: DeviceConfig,
    /// Seeds of all streams, resolved.
    pub seeds: Seeds,
    /// Those of them that the config names.
    pub named_seeds: NamedSeeds,
}
