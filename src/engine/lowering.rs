//! A model's graph as lanes run it: what no weight has touched is the same for every lane and computed once a batch.
//!
//! Lanes of one client read the same rows of the batch, and a chunk's lanes begin anywhere in it. Rows of such a kind are *shared*: those
//! of the batch, and what layers without weights make of them. Products find a lane's part of shared rows by its `x_row`; before any other
//! layer that reads them, and before a residual, each lane gets a copy of its own ([`OwnRows`]).
//!
//! Where channels lie last, layers behind `flatten` and the loss know the values channel after channel all the same: a copy in that order
//! is put before them ([`Reorder`]).

use crate::caps::Layout;
use crate::layers::kinds::own_rows::OwnRows;
use crate::layers::kinds::reorder::Reorder;
use crate::layers::{Images, Shape, kind};
use crate::model::{Graph, Node, Source};
use crate::recording::Span;
use crate::recording::arena::{self, Value};

/// A graph with what is known of its nodes' rows.
pub(super) struct Lowered {
    /// The model's graph with copies put in.
    pub graph: Graph,
    /// How pixels lie in activations.
    pub layout: Layout,
    /// Nodes whose output has shared rows.
    pub shared: Vec<bool>,
    /// Nodes whose output depends on a weight: their slopes are wanted in a backward pass.
    pub weighted: Vec<bool>,
    /// Values a row of each buffer of shared rows beside the batch.
    pub elements: Vec<usize>,
    /// The buffer of each shared node's rows.
    slot: Vec<usize>,
    /// The image that each node's output is, and the one that a sample is; those with pixels lie as the layout says.
    images: Vec<Shape>,
    batch: Shape,
}

impl Lowered {
    /// Of a model's graph.
    pub fn of(model: &Graph, layout: Layout) -> Self {
        let graph = Graph { nodes: Vec::new(), ..model.clone() };
        let (shared, weighted, elements, slot) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (images, batch) = (Vec::new(), batch_image(model));
        let mut lowered = Self { graph, layout, shared, weighted, elements, slot, images, batch };
        // Where the model's nodes have come to lie, and where the copies are.
        let (mut at, mut copies): (Vec<Source>, Vec<(Source, Source)>) = (Vec::new(), Vec::new());
        let mut reordered = Vec::new();
        let place = |at: &[Source], source| match source {
            Source::Batch => Source::Batch,
            Source::Node(node) => at[node],
        };
        for node in &model.nodes {
            let (mut input, mut residual) = (place(&at, node.input), node.residual.map(|from| place(&at, from)));
            let images = kind(&node.layer).images();
            if let Images::Of(wanted, _) = images {
                input = lowered.ordered(input, wanted, &mut reordered);
            }
            let image = match images {
                Images::Any(_) => lowered.image(input),
                Images::Of(_, given) => given,
            };
            residual = residual.map(|from| lowered.ordered(from, image, &mut reordered));
            let once = node.layer.is_shareable() && lowered.is_shared(input) && residual.is_none();
            if !once {
                if !kind(&node.layer).reads_shared_rows() {
                    input = lowered.own(input, &mut copies);
                }
                residual = residual.map(|from| lowered.own(from, &mut copies));
            }
            at.push(lowered.push(Node { layer: node.layer, input, residual }, once, image));
        }
        // A graph without any weights: its outputs are each lane's all the same.
        if let Some(&last) = at.last() {
            let outputs = Shape::features(lowered.len(last));
            let last = lowered.ordered(last, outputs, &mut reordered);
            lowered.own(last, &mut copies);
        }
        lowered.assign();
        lowered
    }

    /// Shared rows that lanes read stay for all chunks of a batch, others as long as shared nodes read them.
    fn assign(&mut self) {
        let mut last: Vec<usize> = (0..self.graph.nodes.len()).collect();
        for (i, node) in self.graph.nodes.iter().enumerate() {
            for source in [Some(node.input), node.residual].into_iter().flatten() {
                if let Source::Node(n) = source {
                    last[n] = if self.shared[i] { last[n].max(i) } else { usize::MAX };
                }
            }
        }
        let nodes: Vec<usize> = (0..self.shared.len()).filter(|&i| self.shared[i]).collect();
        let value = |&i: &usize| Value { elements: self.graph.nodes[i].layer.output_len(), born: i, last: last[i] };
        let (slots, elements) = arena::assign(&nodes.iter().map(value).collect::<Vec<_>>());
        self.slot = vec![0; self.shared.len()];
        nodes.iter().zip(slots).for_each(|(&node, slot)| self.slot[node] = slot);
        self.elements = elements;
    }

    /// Where the rows of a shared source lie: those of the batch in `x`, those of nodes in `buffers`, one for each of
    /// [`Lowered::elements`].
    pub fn place(&self, source: Source, x: Span, buffers: &[Span]) -> Span {
        match source {
            Source::Batch => x,
            Source::Node(node) => buffers[self.slot[node]],
        }
    }

    /// Whether lanes share the rows of a source.
    pub fn is_shared(&self, source: Source) -> bool {
        match source {
            Source::Batch => true,
            Source::Node(node) => self.shared[node],
        }
    }

    /// The node behind a source whose slope a backward pass wants.
    pub fn slope_of(&self, source: Source) -> Option<usize> {
        match source {
            Source::Node(node) if self.weighted[node] => Some(node),
            _ => None,
        }
    }

    /// Channels that lie last in a batch of samples; 1: they are as they come.
    pub fn batch_last(&self) -> u32 {
        if self.layout == Layout::ChannelsLast && !self.batch.is_flat() { self.batch.c as u32 } else { 1 }
    }

    fn image(&self, source: Source) -> Shape {
        match source {
            Source::Batch => self.batch,
            Source::Node(node) => self.images[node],
        }
    }

    /// Values of a sample of a source.
    fn len(&self, source: Source) -> usize {
        match source {
            Source::Batch => self.graph.input.len(),
            Source::Node(node) => self.graph.nodes[node].layer.output_len(),
        }
    }

    /// The source itself where its values lie as those of the image that is wanted, else a copy where they do.
    fn ordered(&mut self, source: Source, wanted: Shape, copies: &mut Vec<(Source, Source)>) -> Source {
        let found = self.image(source);
        if self.layout == Layout::ChannelsFirst || found.is_flat() == wanted.is_flat() {
            return source;
        }
        if let Some((_, copy)) = copies.iter().find(|(of, _)| *of == source) {
            return *copy;
        }
        let to_last = found.is_flat();
        let shape = if to_last { wanted } else { found };
        let layer = Reorder { channels: shape.c, pixels: shape.spatial(), to_last }.into();
        let copy = self.push(Node { layer, input: source, residual: None }, self.is_shared(source), wanted);
        copies.push((source, copy));
        copy
    }

    /// The source itself where a lane's rows are its own, else a copy that they are.
    fn own(&mut self, source: Source, copies: &mut Vec<(Source, Source)>) -> Source {
        if !self.is_shared(source) {
            return source;
        }
        if let Some((_, copy)) = copies.iter().find(|(of, _)| *of == source) {
            return *copy;
        }
        let (layer, image) = (OwnRows { len: self.len(source) }.into(), self.image(source));
        let copy = self.push(Node { layer, input: source, residual: None }, false, image);
        copies.push((source, copy));
        copy
    }

    fn push(&mut self, node: Node, shared: bool, image: Shape) -> Source {
        let behind = |source| matches!(source, Source::Node(n) if self.weighted[n]);
        let weighted = node.layer.has_weights() || behind(node.input) || node.residual.is_some_and(behind);
        self.graph.nodes.push(node);
        self.shared.push(shared);
        self.images.push(image);
        self.weighted.push(weighted);
        Source::Node(self.graph.nodes.len() - 1)
    }
}

/// The image that a sample is: its pixels where a layer reads them from it, else values in one order.
fn batch_image(model: &Graph) -> Shape {
    // Sources that are the batch or what functions of single values make of it.
    let mut like_batch = vec![Source::Batch];
    for (i, node) in model.nodes.iter().enumerate() {
        if !like_batch.contains(&node.input) {
            continue;
        }
        match kind(&node.layer).images() {
            Images::Any(_) => like_batch.push(Source::Node(i)),
            Images::Of(wanted, _) if !wanted.is_flat() => return model.input,
            Images::Of(..) => {}
        }
    }
    Shape::features(model.input.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Layer;
    use crate::layers::kinds::linear::Linear;
    use crate::layers::kinds::tanh::Tanh;
    use crate::model::ModelSpec;
    use serde_json::json;

    fn lowered(table: serde_json::Value) -> (Graph, Lowered) {
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let lowered = Lowered::of(&graph, Layout::ChannelsFirst);
        (graph, lowered)
    }

    fn kinds(lowered: &Lowered) -> Vec<&'static str> {
        lowered.graph.nodes.iter().map(|n| n.layer.kind()).collect()
    }

    #[test]
    fn models_that_begin_with_a_product_stay_as_they_are() {
        for table in [
            json!({"kind": "resnet", "input": [3, 8, 8], "classes": 10}),
            json!({"kind": "vit", "input": [3, 8, 8], "classes": 10}),
            json!({"kind": "mlp", "input": 8, "hidden": [3], "classes": 10}),
        ] {
            let (graph, lowered) = lowered(table);
            assert_eq!(lowered.graph, graph);
            assert!(!lowered.shared.contains(&true) && !lowered.weighted.contains(&false));
        }
    }

    #[test]
    fn what_no_weight_has_touched_is_computed_once() {
        let (_, lowered) = lowered(json!({"kind": "sequential", "input": [2, 8, 8], "classes": 4, "layers": [
            {"maxpool": 2}, "tanh", {"groupnorm": 2}, "gelu", "flatten", {"linear": 4}]}));
        assert_eq!(kinds(&lowered), ["maxpool", "tanh", "ownrows", "groupnorm", "gelu", "linear"]);
        assert_eq!(lowered.shared, [true, true, false, false, false, false]);
        assert_eq!(lowered.weighted, [false, false, false, true, true, true]);
        assert_eq!((lowered.slope_of(Source::Batch), lowered.slope_of(Source::Node(2))), (None, None));
        assert_eq!(lowered.slope_of(Source::Node(3)), Some(3));
    }

    #[test]
    fn a_residual_of_shared_rows_is_copied_once() {
        let layer =
            |weight| Layer::from(Linear { rows: 1, in_features: 3, out_features: 3, weight, bias: None, relu: false });
        let node = |layer, input, residual| Node { layer, input, residual };
        let (mut graph, _) = lowered(json!({"kind": "mlp", "input": 3, "hidden": [3], "classes": 3}));
        graph.nodes = vec![
            node(Tanh { len: 3 }.into(), Source::Batch, None),
            node(layer(0), Source::Node(0), Some(Source::Node(0))),
            node(layer(12), Source::Node(1), Some(Source::Node(0))),
        ];
        let lowered = Lowered::of(&graph, Layout::ChannelsFirst);
        assert_eq!(kinds(&lowered), ["tanh", "ownrows", "linear", "linear"]);
        // The product reads what is shared, the sums the copy.
        assert_eq!(lowered.graph.nodes[2], node(layer(0), Source::Node(0), Some(Source::Node(1))));
        assert_eq!(lowered.graph.nodes[3].residual, Some(Source::Node(1)));
    }
}
