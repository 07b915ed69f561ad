//! What follows for a graph from the kinds of its layers.

use super::graph::{Graph, Node, Source};
use crate::kernels::mlp_forward;
use crate::layers::{self, ParamTensor, kind};

impl Graph {
    /// The tensors of a node.
    pub fn tensors_of(&self, node: &Node) -> Vec<&ParamTensor> {
        let at = |offset: usize| self.tensors.binary_search_by_key(&offset, |t| t.offset).ok();
        kind(&node.layer).tensors().into_iter().filter_map(at).map(|i| &self.tensors[i]).collect()
    }

    /// The shape of a sample behind each node, for people ([`crate::layers::Kind::output_shape`]).
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

    /// The parameters of the kernel that computes the whole forward pass, for models that have one.
    pub fn one_dispatch(&self) -> Option<mlp_forward::Params> {
        let [hidden, output] = &self.nodes[..] else { return None };
        let plain = [hidden, output].iter().all(|node| node.residual.is_none());
        plain.then(|| layers::one_dispatch(&hidden.layer, &output.layer)).flatten()
    }
}
