//! A graph in the making.

use super::graph::{Graph, Node, Source};
use crate::layers::{Init, Layer, LayerSpec, ModelError, Shape, Site, Tensors, kind_mut};

/// A graph in the making. Layers are added behind [`Builder::at`].
pub(super) struct Builder {
    /// What the next layer reads.
    pub at: Source,
    /// Its shape.
    pub shape: Shape,
    /// Share of each hidden width that the graph gets; 1: all.
    share: f64,
    nodes: Vec<Node>,
    /// The tensors so far.
    pub tensors: Tensors,
    dropouts: usize,
    /// The last table entry was linear, a convolution or a norm: a ReLU right after it becomes part of it.
    pub open: bool,
}

impl Builder {
    pub fn new(shape: Shape, share: f64) -> Self {
        let (nodes, tensors) = (Vec::new(), Tensors::default());
        Self { at: Source::Batch, shape, share, nodes, tensors, dropouts: 0, open: false }
    }

    /// How much of a hidden width the graph gets: its share, rounded up.
    pub fn hidden(&self, width: usize) -> usize {
        // A share such as 0.7 may be a little more than written: 0.7 x 10 is 7.
        let most = width.max(1);
        ((self.share * width as f64 - 1e-9).ceil().max(1.0) as usize).min(most)
    }

    /// The graph; the running statistics come to lie behind the parameters.
    pub fn finish(mut self, input: Shape, classes: usize) -> Graph {
        let (tensors, learnable, parameters) = self.tensors.finish();
        for node in &mut self.nodes {
            kind_mut(&mut node.layer).put_running_behind(parameters);
        }
        Graph { input, nodes: self.nodes, tensors, learnable, classes }
    }

    /// Appends an entry of a table. `name` is the prefix of its tensors, `place` names it in messages.
    pub fn add(&mut self, name: &str, place: &str, spec: impl Into<LayerSpec>) -> Result<(), ModelError> {
        let was_open = std::mem::take(&mut self.open);
        let before = self.nodes.last_mut().filter(|_| was_open).map(|node| kind_mut(&mut node.layer));
        let Self { shape, open, tensors, dropouts, .. } = self;
        let mut site = Site { name, place, shape, before, open, tensors, dropouts };
        if let Some(layer) = spec.into().append(&mut site)? {
            self.push(layer, None);
        }
        Ok(())
    }

    /// Appends a layer that reads `at` and what is added to it, and moves on behind it.
    pub fn push(&mut self, layer: impl Into<Layer>, residual: Option<Source>) {
        self.nodes.push(Node { layer: layer.into(), input: self.at, residual });
        self.at = Source::Node(self.nodes.len() - 1);
    }

    /// Appends a tensor, `kind` of the layer `name`, and gives its offset.
    pub fn tensor(&mut self, name: &str, kind: &str, shape: Vec<usize>, init: Init) -> Result<usize, ModelError> {
        self.tensors.learnt(name, name, kind, shape, init)
    }

    /// The node that the builder stands at, where it is the last one.
    pub fn last_node(&mut self) -> Option<&mut Node> {
        let is_last = self.at == Source::Node(self.nodes.len().wrapping_sub(1));
        self.nodes.last_mut().filter(|_| is_last)
    }

    /// Takes the last node back where its layer is such a one and adds nothing. Nothing may read it, and who calls says where the builder
    /// stands then.
    pub fn take_last(&mut self, such: impl Fn(&Layer) -> bool) -> Option<Node> {
        self.nodes.pop_if(|node| node.residual.is_none() && such(&node.layer))
    }
}
