//! A row of a sweep.

use serde::Deserialize;

/// A row: one setting of the sweep.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name, unlike any other's; names its folders.
    pub label: String,
    /// A method by name.
    pub preset: Option<String>,
    /// `key.path=value`, over everything else but the seed.
    #[serde(default)]
    pub set: Vec<String>,
    /// What the paper has in its place: printed beside the result.
    #[serde(default)]
    pub paper: String,
    /// The same by the name of a value of the description's table (`configs/paper/values.toml`).
    #[serde(default)]
    pub value: String,
}
