//! What follows for a model from the kinds of its layers.

use super::{Footprint, kind};
use crate::model::{Graph, Layer, Node, ParamTensor, Source};

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

impl Graph {
    /// The tensors of a node.
    pub fn tensors_of(&self, node: &Node) -> Vec<&ParamTensor> {
        let at = |offset: usize| self.tensors.binary_search_by_key(&offset, |t| t.offset).ok();
        kind(&node.layer).tensors().into_iter().filter_map(at).map(|i| &self.tensors[i]).collect()
    }

    /// The shape of a sample behind each node, for people ([`super::Kind::output_shape`]).
    pub fn output_shapes(&self) -> Vec<Vec<usize>> {
        let mut shapes: Vec<Vec<usize>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let shape = match node.input {
                Source::Batch => kind(&node.layer).output_shape(&self.input.sides()),
                Source::Node(n) => kind(&node.layer).output_shape(&shapes[n]),
            };
            shapes.push(shape);
        }
        shapes
    }

    /// Rows of a sample where its tokens are rows: the most of any layer.
    pub fn tokens(&self) -> usize {
        self.nodes.iter().map(|n| kind(&n.layer).rows()).max().unwrap_or(1)
    }

    /// A sample's forward pass, 2 per multiply-add of linear layers, convolutions and attention.
    pub fn flops_forward(&self) -> u64 {
        self.nodes.iter().map(|n| n.layer.flops_forward()).sum()
    }

    /// The largest number of values a sample has between layers, its input included.
    pub fn max_activation(&self) -> usize {
        self.nodes.iter().map(|n| n.layer.output_len()).fold(self.input.len(), usize::max)
    }
}
