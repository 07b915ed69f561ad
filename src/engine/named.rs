//! Vectors by name.

/// A name and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedValues {
    /// Of a tensor PyTorch's, such as `layer1.0.bn1.running_mean`; of a state's vector [`State::WEIGHTS`](super::State::WEIGHTS) or what it was added as.
    pub name: String,
    /// Flat, as they lie.
    pub values: Vec<f32>,
}
