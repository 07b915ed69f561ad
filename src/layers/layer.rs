//! What follows for a layer from its kind.

use super::keeps::Footprint;
use super::kinds::{Layer, kind};

impl Layer {
    /// Values of a sample before the layer.
    pub fn input_len(&self) -> usize {
        kind(self).input_len()
    }

    /// Values of a sample after the layer.
    pub fn output_len(&self) -> usize {
        kind(self).output_len()
    }

    /// The layer's name in a model table.
    pub fn kind(&self) -> &'static str {
        kind(self).name()
    }

    /// Values that are added up one after another for an output, at most.
    pub fn summands(&self) -> usize {
        kind(self).summands()
    }

    /// Whether the layer has a tensor that is learnt.
    pub fn has_weights(&self) -> bool {
        !kind(self).tensors().is_empty()
    }

    /// Whether all lanes that read the same rows make the same of them.
    pub fn is_shareable(&self) -> bool {
        !self.has_weights() && !self.saves() && !kind(self).draws()
    }

    /// Whether the layer keeps something for its backward pass.
    pub fn saves(&self) -> bool {
        kind(self).keeps().saved != Footprint::default()
    }

    /// Multiply-adds of a sample, times two, in products of weights or of tokens.
    pub fn flops_forward(&self) -> u64 {
        kind(self).flops_forward()
    }
}
