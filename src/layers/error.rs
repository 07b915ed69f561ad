//! What can be wrong with a model.

/// What can be wrong with a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A key of the table: missing, unknown, or of the wrong type or range.
    #[error("model.{key}: {message}")]
    Key {
        /// The key, dotted below `model`.
        key: String,
        /// What was found and expected.
        message: String,
    },
    /// Layers that don't fit together.
    #[error("{layer}: {message}")]
    Shape {
        /// The layer, such as `layer 3 (linear)` or `conv0`.
        layer: String,
        /// What it got and what it expects, in numbers.
        message: String,
    },
    /// No sub-network of a model.
    #[error("heterofl.low_width = {share} makes no sub-network of this model: {why}")]
    Share {
        /// The share of each hidden width.
        share: f64,
        /// What is wrong with the model that it makes.
        why: Box<ModelError>,
    },
    /// The model doesn't fit the data.
    #[error("model.{key} is {found}, but the data has {expected}")]
    Data {
        /// `input` or `classes`.
        key: &'static str,
        /// The model's.
        found: String,
        /// The data's.
        expected: String,
    },
}

impl ModelError {
    /// A key of the table, and what is wrong with it.
    pub fn key(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Key { key: key.into(), message: message.into() }
    }
}
