//! A model as the engine sees it: a graph of layers whose tensors lie in one flat vector.
//!
//! A node has one input and at most one residual, which is all that skip connections need; nodes stand in an order in which
//! they can be computed.

use crate::layers::{Layer, ParamTensor, Shape, kind};

/// Where a node's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The samples.
    Batch,
    /// The output of a node.
    Node(usize),
}

/// A layer and what it reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The layer.
    pub layer: Layer,
    /// Its input.
    pub input: Source,
    /// What is added to its output (before the ReLU of a norm); of norms, of linear layers without ReLU, of what scales
    /// these and of sums only.
    pub residual: Option<Source>,
}

/// A model as a graph of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Shape of a sample.
    pub input: Shape,
    /// Each reads only the batch and nodes before it; the last gives the logits.
    pub nodes: Vec<Node>,
    /// All tensors of a weight vector in its order, without gaps: the learnable ones in flat order, then the running statistics of
    /// batch norms. A weight vector on a device or in a file holds both; only the former are perturbed, replayed and fingerprinted.
    pub tensors: Vec<ParamTensor>,
    /// How many of the tensors are learnable.
    pub learnable: usize,
    /// Outputs of the last layer.
    pub classes: usize,
}

impl Graph {
    /// The learnable tensors, in flat order.
    pub fn params(&self) -> &[ParamTensor] {
        &self.tensors[..self.learnable]
    }

    /// The running statistics of batch norms.
    pub fn buffers(&self) -> &[ParamTensor] {
        &self.tensors[self.learnable..]
    }

    /// Length d of the flat parameter vector.
    pub fn param_count(&self) -> usize {
        end(self.params())
    }

    /// Length of a weight vector: the parameters, then the running statistics.
    pub fn state_len(&self) -> usize {
        end(&self.tensors)
    }

    /// Whether there is a batch norm.
    pub fn has_batch_norm(&self) -> bool {
        !self.buffers().is_empty()
    }

    /// Channels of all batch norms together.
    pub fn batch_norm_channels(&self) -> usize {
        self.buffers().iter().map(|b| b.len).sum::<usize>() / 2
    }

    /// The graph without its dropouts: what all but local steps of training compute.
    pub fn without_dropout(&self) -> Self {
        let (mut nodes, mut at) = (Vec::with_capacity(self.nodes.len()), Vec::with_capacity(self.nodes.len()));
        for node in &self.nodes {
            let moved = |source| match source {
                Source::Batch => Source::Batch,
                Source::Node(n) => at[n],
            };
            let (input, residual) = (moved(node.input), node.residual.map(moved));
            if kind(&node.layer).draws() {
                at.push(input);
            } else {
                nodes.push(Node { layer: node.layer, input, residual });
                at.push(Source::Node(nodes.len() - 1));
            }
        }
        Self { nodes, ..self.clone() }
    }

    /// Whether there is a dropout.
    pub fn has_dropout(&self) -> bool {
        self.nodes.iter().any(|node| kind(&node.layer).draws())
    }

    /// The last node that reads each node's output; of the last node, the loss behind it.
    pub fn last_readers(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (1..=self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            for source in [Some(node.input), node.residual].into_iter().flatten() {
                if let Source::Node(n) = source {
                    last[n] = last[n].max(i);
                }
            }
        }
        last
    }
}

fn end(tensors: &[ParamTensor]) -> usize {
    tensors.last().map_or(0, |p| p.offset + p.len)
}
