//! A run of a sweep.

use crate::config::Config;

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The name of its folder in the sweep's: the same for the same row and seed, whatever else the sweep has.
    pub name: String,
    /// Which row of the description it belongs to.
    pub row: usize,
    /// The config's seed.
    pub seed: u64,
    /// What its row sets, over the preset: keys and values.
    pub set: Vec<(String, toml::Value)>,
    /// What is run; or why it can't be.
    pub config: Result<Config, String>,
}
