//! What a model is: its layers with their shapes, parameters and cost, and what a client must hold to take part with it.

use serde::Serialize;

use super::cost::{ClientMemory, client_memory};
use super::experiment::Experiment;
use crate::layers::kind;
use crate::model::{Graph, Node, Source};

/// What `zowarmup model` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outline {
    /// The kind of its table.
    pub kind: String,
    /// Shape of a sample.
    pub input: Vec<usize>,
    /// Outputs.
    pub classes: usize,
    /// Length of the flat parameter vector.
    pub params: u64,
    /// Running statistics of batch norms, which lie behind it.
    pub buffers: u64,
    /// FLOP of a sample's forward pass, 2 a multiply-add of linear layers, convolutions and attention.
    pub flops_forward: u64,
    /// The layers as they are computed, in order.
    pub layers: Vec<LayerOutline>,
    /// Samples of the client that has the most.
    pub client_samples: u64,
    /// What that client must hold, by the paper's formulas (`zowarmup cost`).
    pub client_memory: ClientMemory,
    /// Parameters of HeteroFL's sub-network; other methods have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_network_params: Option<u64>,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerOutline {
    /// The name that its tensors begin with; empty where it has none.
    pub name: String,
    /// Its kind, as in `sequential`.
    pub kind: &'static str,
    /// The position in the list of the layer whose output is added to its own; the samples are -1; null: nothing is added.
    pub adds: Option<i64>,
    /// ReLU follows, as part of the layer.
    pub relu: bool,
    /// Shape of a sample behind it.
    pub output: Vec<usize>,
    /// Its parameters.
    pub params: u64,
    /// FLOP of a sample's forward pass.
    pub flops_forward: u64,
}

impl Outline {
    /// Of an experiment's model, for its clients.
    pub fn of(experiment: &Experiment) -> Self {
        let graph = &experiment.graph;
        Self {
            kind: experiment.config.model.kind.name().to_owned(),
            input: graph.input.sides(),
            classes: graph.classes,
            params: graph.param_count() as u64,
            buffers: (graph.state_len() - graph.param_count()) as u64,
            flops_forward: graph.flops_forward(),
            layers: layers(graph),
            client_samples: experiment.split.clients.iter().map(Vec::len).max().unwrap_or(0) as u64,
            client_memory: client_memory(experiment),
            sub_network_params: experiment.narrow.as_ref().map(|narrow| narrow.graph.param_count() as u64),
        }
    }
}

/// The layers of a graph.
pub fn layers(graph: &Graph) -> Vec<LayerOutline> {
    let of = |(node, output): (&Node, Vec<usize>)| {
        let tensors = graph.tensors_of(node);
        let learnt = tensors.iter().filter(|tensor| tensor.offset < graph.param_count());
        LayerOutline {
            name: tensors.first().map_or_else(String::new, |tensor| owner(&tensor.name)),
            kind: node.layer.kind(),
            adds: node.residual.map(|source| match source {
                Source::Batch => -1,
                Source::Node(n) => n as i64,
            }),
            relu: kind(&node.layer).ends_with_relu(),
            output,
            params: learnt.map(|tensor| tensor.len as u64).sum(),
            flops_forward: node.layer.flops_forward(),
        }
    };
    graph.nodes.iter().zip(graph.output_shapes()).map(of).collect()
}

/// The layer that a tensor belongs to.
fn owner(tensor: &str) -> String {
    tensor.strip_suffix(".weight").unwrap_or(tensor).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelSpec;
    use serde_json::json;

    fn of(table: serde_json::Value) -> (Graph, Vec<LayerOutline>) {
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let layers = layers(&graph);
        (graph, layers)
    }

    #[test]
    fn layers_add_up_to_the_model() {
        for table in [
            json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10, "norm": "batch"}),
            json!({"kind": "vit", "input": [3, 8, 8], "classes": 10, "dim": 8, "heads": 2, "mlp": 12, "depth": 2}),
            json!({"kind": "cnn", "input": [1, 28, 28], "channels": [8, 16], "hidden": 64, "classes": 10}),
        ] {
            let (graph, layers) = of(table);
            assert_eq!(layers.iter().map(|l| l.params).sum::<u64>(), graph.param_count() as u64);
            assert_eq!(layers.iter().map(|l| l.flops_forward).sum::<u64>(), graph.flops_forward());
            for (node, layer) in graph.nodes.iter().zip(&layers) {
                assert_eq!(layer.output.iter().product::<usize>(), node.layer.output_len(), "{layer:?}");
            }
            assert_eq!(layers.last().unwrap().output, [graph.classes]);
        }
    }

    /// What kernels see of a sample and what people are told are the same, but of tokens, and of dropout and layer norm, which keep the shape.
    #[test]
    fn each_kind_of_layer_says_its_shape() {
        let (_, layers) = of(json!({"kind": "sequential", "input": [2, 9, 8], "classes": 3, "layers": [
            {"dropout": 0.5}, {"layernorm": true}, {"conv": 4, "kernel": 2}, "tanh", {"groupnorm": 2}, {"maxpool": 2}, "gelu", {"avgpool": 2},
            "globalavgpool", "batchnorm", "flatten", {"linear": 4}, {"dropout": 0.5}, {"linear": 3}]}));
        let shapes: Vec<_> = layers.iter().map(|layer| (layer.kind, &layer.output[..])).collect();
        let expected: [(&str, &[usize]); 13] = [
            ("dropout", &[2, 9, 8]),
            ("layernorm", &[2, 9, 8]),
            ("conv", &[4, 8, 7]),
            ("tanh", &[4, 8, 7]),
            ("groupnorm", &[4, 8, 7]),
            ("maxpool", &[4, 4, 3]),
            ("gelu", &[4, 4, 3]),
            ("avgpool", &[4, 2, 1]),
            ("globalavgpool", &[4]),
            ("batchnorm", &[4]),
            ("linear", &[4]),
            ("dropout", &[4]),
            ("linear", &[3]),
        ];
        assert_eq!(shapes, expected);
        let (_, layers) =
            of(json!({"kind": "sequential", "input": [2, 3, 3], "classes": 18, "layers": ["flatten", "batchnorm"]}));
        assert_eq!(layers[0].output, [18]);
        let (_, layers) =
            of(json!({"kind": "vit", "input": [3, 8, 12], "classes": 10, "dim": 8, "heads": 2, "mlp": 12, "depth": 1}));
        let shapes: Vec<_> = layers.iter().map(|layer| (layer.kind, &layer.output[..])).collect();
        let expected: [(&str, &[usize]); 7] = [
            ("conv", &[8, 2, 3]),
            ("tokens", &[7, 8]),
            ("layernorm", &[7, 8]),
            ("linear", &[7, 24]),
            ("attention", &[7, 8]),
            ("classtoken", &[8]),
            ("classtoken", &[8]),
        ];
        assert_eq!(shapes[..7], expected);
    }

    #[test]
    fn a_layer_says_what_is_added_to_it() {
        let (_, layers) = of(json!({"kind": "sequential", "input": [2, 8, 8], "classes": 3, "layers": [
            {"residual": ["tanh"]}, {"residual": [{"conv": 4, "kernel": 2, "stride": 2}, "batchnorm"], "project": true}, "relu",
            "flatten", {"linear": 3}]}));
        let row = |at: usize| {
            let LayerOutline { name, kind, adds, relu, output, params, .. } = &layers[at];
            (name.as_str(), *kind, *adds, *relu, &output[..], *params)
        };
        assert_eq!(row(0), ("", "tanh", None, false, &[2, 8, 8][..], 0));
        assert_eq!(row(1), ("", "add", Some(-1), false, &[2, 8, 8][..], 0));
        assert_eq!(row(3), ("1.project", "conv", None, false, &[4, 4, 4][..], 8));
        assert_eq!(row(4), ("1.1", "batchnorm", Some(3), true, &[4, 4, 4][..], 8));
        assert_eq!(row(5), ("4", "linear", None, false, &[3][..], 195));
    }
}
