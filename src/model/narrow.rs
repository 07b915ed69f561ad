//! The sub-network of a model that has the leading channels of each hidden width (HeteroFL; Diao, Ding, Tarokh, arXiv 2010.01264), and
//! where its parameters lie among the model's.
//!
//! A tensor of the sub-network is the leading corner of the model's tensor of the same name: flattened images lie channel after channel,
//! so that leading channels are leading features. Attention's q, k and v are three tensors behind each other, each with a corner of its
//! own.
//!
//! Its graph is made for training: behind each product whose input is narrower than the model's stands a [`Scale`] by `1 / share`
//! (HeteroFL's scaler), bias included. Who evaluates takes the model's own graph.

use std::ops::Range;

use super::graph::{Graph, Node, Source};
use super::sequential;
use super::spec::ModelSpec;
use crate::layers::kinds::scale::Scale;
use crate::layers::{ModelError, ParamTensor, Weights, kind};

/// A sub-network of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrow {
    /// As it is trained, scaled.
    pub graph: Graph,
    /// Of each parameter of the sub-network its index among the model's parameters, ascending.
    pub indices: Vec<u32>,
}

/// The parameters of a model's last product, whose rows are classes: both ranges of the flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classifier {
    /// Its weight, a row a class.
    pub weight: Range<usize>,
    /// Its bias, where it has one: a value a class.
    pub bias: Option<Range<usize>>,
    /// Values of a row of the weight.
    pub row: usize,
}

impl ModelSpec {
    /// The sub-network with `ceil(share * width)` of each hidden width, 0 < share <= 1. Heads of attention stay whole.
    ///
    /// # Errors
    /// A table that is no model; widths that make none: groups of a norm that don't divide them, heads that don't stay whole.
    pub fn narrow(&self, share: f64) -> Result<Narrow, ModelError> {
        let error = |why| ModelError::Share { share, why: Box::new(why) };
        let wide = self.graph()?;
        if matches!(self, Self::Sequential { layers, .. } if sequential::ends_in_residual(layers)) {
            let message = "the last linear layer or convolution stands in a residual: clients hold its rows by class";
            return Err(error(ModelError::key("layers", message)));
        }
        let graph = self.graph_of_share(share).map_err(error)?;
        // A residual's shapes may be equal in the one and differ in the other.
        let projects = |tensor: &&ParamTensor| tensor.name.contains(".project.");
        let projections =
            |graph: &Graph| graph.params().iter().filter(projects).map(|t| t.name.clone()).collect::<Vec<_>>();
        if projections(&wide) != projections(&graph) {
            let message = "a residual's input and output have the same width in one of the two networks only";
            return Err(error(ModelError::key("layers", message)));
        }
        let indices = indices(&wide, &graph);
        Ok(Narrow { graph: scaled(&wide, &graph, share), indices })
    }
}

impl Graph {
    /// The last product, where it has a row a class; none for graphs that end otherwise.
    pub fn classifier(&self) -> Option<Classifier> {
        let Weights { weight, bias, .. } = self.nodes.iter().rev().find_map(|node| kind(&node.layer).weights())?;
        let range = |offset: usize| {
            let at = self.tensors.binary_search_by_key(&offset, |t| t.offset).ok()?;
            let tensor = &self.tensors[at];
            (tensor.shape.first() == Some(&self.classes)).then_some(tensor.offset..tensor.offset + tensor.len)
        };
        let weight = range(weight)?;
        Some(Classifier { row: weight.len() / self.classes, weight, bias: bias.and_then(range) })
    }
}

/// The graph with a scale behind each product of fewer inputs than the wide one's; a product's residual is added behind the scale.
fn scaled(wide: &Graph, narrow: &Graph, share: f64) -> Graph {
    let mut nodes: Vec<Node> = Vec::with_capacity(2 * narrow.nodes.len());
    let mut at = Vec::with_capacity(narrow.nodes.len());
    for (node, whole) in narrow.nodes.iter().zip(&wide.nodes) {
        let moved = |source| match source {
            Source::Batch => Source::Batch,
            Source::Node(n) => at[n],
        };
        let (input, residual) = (moved(node.input), node.residual.map(moved));
        match kind(&node.layer).weights().zip(kind(&whole.layer).weights()) {
            Some((small, large)) if small.inputs < large.inputs => {
                nodes.push(Node { layer: node.layer, input, residual: None });
                let scale = Scale { len: node.layer.output_len(), factor: (1.0 / share) as f32 };
                nodes.push(Node { layer: scale.into(), input: Source::Node(nodes.len() - 1), residual });
            }
            _ => nodes.push(Node { layer: node.layer, input, residual }),
        }
        at.push(Source::Node(nodes.len() - 1));
    }
    Graph { nodes, ..narrow.clone() }
}

fn indices(wide: &Graph, narrow: &Graph) -> Vec<u32> {
    let mut indices = Vec::with_capacity(narrow.param_count());
    for (small, large) in narrow.params().iter().zip(wide.params()) {
        let parts = parts(narrow, small);
        for part in 0..parts {
            corner(&small.shape, &large.shape, parts, large.offset + part * (large.len / parts), &mut indices);
        }
    }
    indices
}

/// Equal parts behind each other along a tensor's first side, each with a corner of its own: as many as the layer behind its product reads.
fn parts(graph: &Graph, tensor: &ParamTensor) -> usize {
    let of_node = |node: &Node| match node.input {
        Source::Node(n) => {
            let before = kind(&graph.nodes[n].layer).weights()?;
            let is_its = before.weight == tensor.offset || before.bias == Some(tensor.offset);
            is_its.then(|| kind(&node.layer).input_parts())
        }
        Source::Batch => None,
    };
    graph.nodes.iter().filter_map(of_node).max().unwrap_or(1)
}

/// The leading corner of a tensor (of one of `parts` along its first side) that lies from `first` on, row by row.
fn corner(small: &[usize], large: &[usize], parts: usize, first: usize, indices: &mut Vec<u32>) {
    let ([rows, small @ ..], [_, large @ ..]) = (small, large) else { return indices.push(first as u32) };
    let stride: usize = large.iter().product();
    for row in 0..rows / parts {
        corner(small, large, 1, first + row * stride, indices);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Layer;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn spec(table: &Value) -> ModelSpec {
        ModelSpec::from_json(table).unwrap()
    }

    fn narrow(table: &Value, share: f64) -> (Graph, Narrow) {
        let spec = spec(table);
        (spec.graph().unwrap(), spec.narrow(share).unwrap())
    }

    fn error(table: &Value, share: f64) -> String {
        spec(table).narrow(share).unwrap_err().to_string()
    }

    fn kinds(narrow: &Narrow) -> Vec<&'static str> {
        narrow.graph.nodes.iter().map(|n| n.layer.kind()).collect()
    }

    fn shapes(narrow: &Narrow) -> Vec<&[usize]> {
        narrow.graph.params().iter().map(|t| &t.shape[..]).collect()
    }

    #[test]
    fn a_perceptron_has_leading_neurons() {
        let (wide, half) = narrow(&json!({"kind": "mlp", "input": 3, "hidden": [3], "classes": 2}), 0.5);
        assert_eq!(shapes(&half), [&[2, 3][..], &[2], &[2, 2], &[2]]);
        // Rows 0 and 1 of the first weight, its bias; of each row of the classifier the first two.
        assert_eq!(half.indices, [0, 1, 2, 3, 4, 5, 9, 10, 12, 13, 15, 16, 18, 19]);
        // The samples are not reduced: only the second product is scaled.
        assert_eq!(kinds(&half), ["linear", "linear", "scale"]);
        let Layer::Scale(scale) = half.graph.nodes[2].layer else { panic!("a scale") };
        assert_eq!(scale, Scale { len: 2, factor: 2.0 });
        assert_eq!(wide.classifier(), Some(Classifier { weight: 12..18, bias: Some(18..20), row: 3 }));
    }

    #[test]
    fn leading_channels_are_leading_features_behind_flatten() {
        let table = json!({"kind": "sequential", "input": [1, 4, 4], "classes": 2, "layers": [
            {"conv": 3, "kernel": 1, "bias": false}, {"groupnorm": 1}, "relu", {"maxpool": 2}, "flatten", {"linear": 2}]});
        let (_, half) = narrow(&table, 0.5);
        assert_eq!(shapes(&half), [&[2, 1, 1, 1][..], &[2], &[2], &[2, 8], &[2]]);
        let classifier: Vec<u32> = (9..17).chain(21..29).chain([33, 34]).collect();
        assert_eq!(half.indices, [vec![0, 1, 3, 4, 6, 7], classifier].concat());
    }

    #[test]
    fn a_residual_network_is_narrowed_stage_by_stage() {
        let table = json!({"kind": "resnet", "input": [3, 8, 8], "classes": 10, "depth": 10, "width": 6, "groups": 1});
        let (wide, part) = narrow(&table, 0.7);
        let widths: Vec<usize> = part.graph.params().iter().filter(|t| t.shape.len() == 1).map(|t| t.len).collect();
        // ceil(0.7 * 6), of 12, 24 and 48.
        assert!([5, 9, 17, 34].iter().all(|w| widths.contains(w)), "{widths:?}");
        // All products but the stem's, which reads the samples; the shortcuts' too.
        let products = |graph: &Graph| graph.nodes.iter().filter(|n| kind(&n.layer).weights().is_some()).count();
        let scales = kinds(&part).iter().filter(|k| **k == "scale").count();
        assert_eq!(scales, products(&wide) - 1);
        // A norm's residual is what it was: the output of a norm.
        for node in &part.graph.nodes {
            let Some(Source::Node(from)) = node.residual else { continue };
            assert!(matches!(part.graph.nodes[from].layer, Layer::Norm(_)));
        }
    }

    #[test]
    fn attention_keeps_whole_heads_of_q_k_and_v() {
        let table = json!({"kind": "vit", "input": [1, 4, 4], "patch": 2, "classes": 2, "dim": 4, "depth": 1, "heads": 2, "mlp": 3});
        let (wide, half) = narrow(&table, 0.5);
        let at = |name: &str| wide.tensors.iter().find(|t| t.name == name).unwrap().offset as u32;
        let rows = |first: u32| vec![first, first + 1, first + 4, first + 5];
        let qkv = at("blocks.0.attn.qkv.weight");
        let expected: Vec<u32> = [0, 16, 32].into_iter().flat_map(|part| rows(qkv + part)).collect();
        let start = half.indices.iter().position(|&i| i == qkv).unwrap();
        assert_eq!(half.indices[start..start + 12], expected);
        let bias = at("blocks.0.attn.qkv.bias");
        assert_eq!(half.indices[start + 12..start + 18], [0, 1, 4, 5, 8, 9].map(|i| bias + i));
        // All positions, the leading values of each.
        assert_eq!(half.indices[..6], [0, 1, 4, 5, 8, 9]);
        // What a projection is added to is added behind its scale.
        let residuals = half.graph.nodes.iter().filter(|n| n.residual.is_some());
        assert!(residuals.clone().count() == 2 && residuals.clone().all(|n| matches!(n.layer, Layer::Scale(_))));
    }

    #[test]
    fn widths_that_make_no_model_are_refused_with_the_key() {
        let groups = json!({"kind": "sequential", "input": [1, 4, 4], "classes": 2, "layers": [
            {"conv": 6, "kernel": 1}, {"groupnorm": 2}, "flatten", {"linear": 2}]});
        let vit = json!({"kind": "vit", "input": [1, 4, 4], "classes": 2, "dim": 12, "depth": 1, "heads": 3, "mlp": 3});
        let resnet = json!({"kind": "resnet", "input": [1, 8, 8], "classes": 2, "width": 4, "groups": 4});
        for (table, parts) in [
            (groups, ["layer 1 (groupnorm)", "3 channels", "2 groups"]),
            (vit, ["model.dim", "6 of", "heads of 4"]),
            (resnet, ["bn1", "2 channels", "4 groups"]),
        ] {
            let message = error(&table, 0.5);
            assert!(
                message.starts_with("heterofl.low_width = 0.5 ") && parts.iter().all(|p| message.contains(p)),
                "{message}"
            );
        }
    }

    #[test]
    fn residuals_have_one_form_in_both_networks_or_are_refused() {
        let table = |layers: Value| json!({"kind": "sequential", "input": 8, "classes": 2, "layers": layers});
        let fine = table(
            json!([{"residual": [{"linear": 5}], "project": true}, {"residual": [{"linear": 5}]}, {"linear": 2}]),
        );
        let (_, half) = narrow(&fine, 0.5);
        // The first residual reads the samples; the second's product is scaled before the sum.
        assert_eq!(kinds(&half), ["linear", "linear", "linear", "scale", "linear", "scale"]);
        assert!(half.graph.nodes[3].residual.is_some() && half.graph.nodes[2].residual.is_none());
        let one_has_it = table(json!([{"residual": [{"linear": 8}], "project": true}, {"linear": 2}]));
        let classes = table(json!([{"linear": 4}, {"residual": [{"linear": 2}], "project": true}]));
        for (table, part) in [(one_has_it, "same width"), (classes, "by class")] {
            let message = error(&table, 0.5);
            assert!(message.starts_with("heterofl.low_width = 0.5 ") && message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_share_of_one_is_the_model_itself() {
        for table in [
            json!({"kind": "cnn", "input": [1, 8, 8], "channels": [3, 5], "hidden": 7, "classes": 4}),
            json!({"kind": "resnet", "input": [3, 8, 8], "classes": 10, "norm": "batch", "width": 3, "depth": 10}),
            json!({"kind": "vit", "input": [3, 8, 8], "classes": 10, "dim": 6, "heads": 3, "depth": 2, "mlp": 5}),
        ] {
            let (wide, same) = narrow(&table, 1.0);
            assert_eq!(same.graph, wide);
            assert!(same.indices.iter().copied().eq(0..wide.param_count() as u32));
        }
    }

    proptest! {
        #[test]
        fn each_parameter_has_a_place_of_its_own(a in 1usize..9, b in 1usize..9, hidden in 1usize..9, share in 0.05f64..1.0) {
            let table = json!({"kind": "cnn", "input": [2, 8, 8], "channels": [a, b], "hidden": hidden, "classes": 3});
            let (wide, part) = narrow(&table, share);
            prop_assert_eq!(part.indices.len(), part.graph.param_count());
            prop_assert!(part.indices.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!((*part.indices.last().unwrap() as usize) < wide.param_count());
            // Each tensor's lie in the model's of the same name.
            for (small, large) in part.graph.params().iter().zip(wide.params()) {
                prop_assert_eq!(&small.name, &large.name);
                let range = large.offset as u32..(large.offset + large.len) as u32;
                prop_assert!(part.indices[small.offset..small.offset + small.len].iter().all(|i| range.contains(i)));
            }
        }
    }
}
