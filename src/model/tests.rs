//! The model table against the contract's names, shapes and counts.

mod ranges;

use serde_json::json;

use super::*;
use crate::layers::kinds::conv::Conv;
use crate::layers::kinds::linear::Linear;
use crate::layers::kinds::norm::{Norm, NormKind};

fn chain(value: serde_json::Value) -> Graph {
    ModelSpec::from_json(&value).unwrap().graph().unwrap()
}

fn error(value: serde_json::Value) -> String {
    match ModelSpec::from_json(&value).and_then(|spec| spec.graph()) {
        Ok(_) => panic!("{value} was accepted"),
        Err(e) => e.to_string(),
    }
}

fn layers(graph: &Graph) -> Vec<Layer> {
    graph.nodes.iter().map(|node| node.layer).collect()
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.params().iter().map(|p| p.name.as_str()).collect()
}

#[test]
fn mlp() {
    let c = chain(json!({"kind": "mlp", "input": [1, 8, 8], "hidden": [64], "classes": 10}));
    assert_eq!(names(&c), ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
    assert_eq!((c.param_count(), c.input, c.flops_forward()), (4810, Shape::features(64), 2 * 64 * 74));
    assert_eq!(
        layers(&c),
        [
            Layer::Linear(Linear {
                rows: 1,
                in_features: 64,
                out_features: 64,
                weight: 0,
                bias: Some(4096),
                relu: true
            }),
            Layer::Linear(Linear {
                rows: 1,
                in_features: 64,
                out_features: 10,
                weight: 4160,
                bias: Some(4800),
                relu: false
            }),
        ]
    );
}

#[test]
fn cnn() {
    let c = chain(json!({"kind": "cnn", "input": [1, 28, 28], "channels": [8, 16], "hidden": 64, "classes": 10}));
    assert_eq!(c.params()[0].shape, [8, 1, 5, 5]);
    assert_eq!(c.params()[4].shape, [64, 784]);
    assert_eq!(names(&c)[2..5], ["conv1.weight", "conv1.bias", "fc1.weight"]);
    assert_eq!(
        layers(&c).iter().map(Layer::kind).collect::<Vec<_>>(),
        ["conv", "maxpool", "conv", "maxpool", "linear", "linear"]
    );
    assert_eq!(c.max_activation(), 8 * 28 * 28);
    assert_eq!(c.flops_forward(), 2 * (8 * 784 * 25 + 16 * 196 * 200 + 784 * 64 + 640));
}

#[test]
fn sequential() {
    let table = json!({"kind": "sequential", "input": [3, 20, 24], "classes": 5, "layers": [
        {"conv": 9, "kernel": 5, "stride": 2, "padding": 2, "bias": false}, {"groupnorm": 3}, "gelu", {"conv": 10, "kernel": 1},
        "tanh", {"avgpool": 2}, {"conv": 14, "kernel": 3, "padding": 1}, "relu", "globalavgpool", "flatten", {"linear": 5}]});
    let c = chain(table.clone());
    let expected =
        ["0.weight", "1.weight", "1.bias", "3.weight", "3.bias", "6.weight", "6.bias", "10.weight", "10.bias"];
    assert_eq!(names(&c), expected);
    for pair in layers(&c).windows(2) {
        assert_eq!(pair[0].output_len(), pair[1].input_len());
    }
    assert!(matches!(layers(&c)[6], Layer::Conv(Conv { relu: true, .. })));
    // Canonical form: defaults filled in, and stable.
    let spec = ModelSpec::from_json(&table).unwrap();
    let canonical = spec.to_json();
    assert_eq!(canonical["layers"][3], json!({"conv": 10, "kernel": 1, "stride": 1, "padding": 0, "bias": true}));
    assert_eq!(ModelSpec::from_json(&canonical).unwrap(), spec);
    let text = toml::to_string(&spec).unwrap();
    assert_eq!(toml::from_str::<ModelSpec>(&text).unwrap(), spec);
}

#[test]
fn residuals_name_their_tensors_as_one_sequential_in_another() {
    let table = json!({"kind": "sequential", "input": [2, 8, 8], "classes": 3, "layers": [
        {"residual": [{"conv": 4, "kernel": 3, "padding": 1, "stride": 2}, "batchnorm"], "project": true}, "relu",
        {"layernorm": true}, {"dropout": 0.25}, "flatten", {"residual": [{"linear": 64}, {"residual": ["tanh", {"layernorm": true}]}]},
        {"linear": 3}]});
    let c = chain(table.clone());
    let expected: [(&str, &[usize]); 15] = [
        ("0.0.weight", &[4, 2, 3, 3]),
        ("0.0.bias", &[4]),
        ("0.1.weight", &[4]),
        ("0.1.bias", &[4]),
        ("0.project.weight", &[4, 2, 1, 1]),
        ("2.weight", &[4, 4, 4]),
        ("2.bias", &[4, 4, 4]),
        ("5.0.weight", &[64, 64]),
        ("5.0.bias", &[64]),
        ("5.1.1.weight", &[64]),
        ("5.1.1.bias", &[64]),
        ("6.weight", &[3, 64]),
        ("6.bias", &[3]),
        ("0.1.running_mean", &[4]),
        ("0.1.running_var", &[4]),
    ];
    assert_eq!(sizes(&c), expected);
    let shortcut = c.nodes.iter().find_map(|n| match n.layer {
        Layer::Conv(conv) if conv.kernel == 1 => Some((conv.stride, conv.bias)),
        _ => None,
    });
    assert_eq!(shortcut, Some((2, None)));
    // Canonical form: defaults filled in, stable, and the same in TOML.
    let spec = ModelSpec::from_json(&table).unwrap();
    let canonical = spec.to_json();
    assert_eq!(canonical["layers"][5]["project"], json!(false));
    assert_eq!(
        (&canonical["layers"][2], &canonical["layers"][3]),
        (&json!({"layernorm": true}), &json!({"dropout": 0.25}))
    );
    assert_eq!(ModelSpec::from_json(&canonical).unwrap(), spec);
    assert_eq!(toml::from_str::<ModelSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
}

#[test]
fn a_projection_stands_only_where_the_shape_changes() {
    let of = |inner: serde_json::Value| {
        let c = chain(json!({"kind": "sequential", "input": 4, "classes": 2, "layers": [
            {"residual": inner, "project": true}, {"linear": 2}]}));
        c.params().iter().filter(|t| t.name == "0.project.weight").map(|t| t.shape.clone()).collect::<Vec<_>>()
    };
    assert!(of(json!([{"linear": 4}, "relu"])).is_empty());
    assert_eq!(of(json!([{"linear": 5}, "relu"])), [[5, 4]]);
}

#[test]
fn odd_rows_are_dropped_and_flattening_keeps_fusion() {
    let c = chain(json!({"kind": "sequential", "input": [1, 7, 9], "classes": 12, "layers": [
        {"maxpool": 2}, {"conv": 1, "kernel": 1}, "flatten", "relu"]}));
    assert_eq!(c.nodes.len(), 2);
    assert!(matches!(layers(&c)[1], Layer::Conv(Conv { output: Shape { c: 1, h: 3, w: 4 }, relu: true, .. })));
}

#[test]
fn errors_name_the_place_and_the_numbers() {
    for (table, parts) in [
        (json!({"kind": "resnet", "depth": 20}), vec!["model.depth", "10, 18 or 34", "20"]),
        (json!({"kind": "resnet", "norm": "layer"}), vec!["model.norm", "group", "layer"]),
        (json!({"kind": "resnet", "norm": "batch", "groups": 4}), vec!["model.groups", "batch"]),
        (
            json!({"kind": "resnet", "input": [3, 8, 8], "classes": 2, "width": 5, "groups": 2}),
            vec!["bn1", "5 channels", "2 groups", "model.groups"],
        ),
        (
            json!({"kind": "vit", "input": [3, 30, 32], "classes": 2}),
            vec!["patch_embed", "4 x 4", "[3, 30, 32]", "model.patch"],
        ),
        (json!({"kind": "vit", "input": [3, 32, 32], "classes": 2, "heads": 7}), vec!["model.heads", "7 heads", "512"]),
        (json!({"kind": "mpl"}), vec!["model.kind", "mpl", "`mlp`"]),
        (json!({"kind": "mlp", "hiden": [4], "hidden": [3]}), vec!["model.hiden", "`hidden`"]),
        (json!({"kind": "mlp", "hidden": [0]}), vec!["model.hidden", "from 1"]),
        (json!({"kind": "mlp"}), vec!["model.hidden", "missing"]),
        (json!({"kind": "mlp", "hidden": [3], "classes": 2}), vec!["model.input", "missing"]),
        (
            json!({"kind": "cnn", "input": 7, "channels": [1], "hidden": 2}),
            vec!["model.input", "[channels, height, width]"],
        ),
        (
            json!({"kind": "cnn", "input": [1, 3, 3], "channels": [1, 1], "hidden": 2, "classes": 2}),
            vec!["conv1", "[1, 1, 1]"],
        ),
        (
            json!({"kind": "sequential", "input": [1, 8, 8], "classes": 2, "layers": [{"conv": 4, "kernel": 3}, {"linear": 2}]}),
            vec!["layer 1 (linear)", "[4, 6, 6]", "flatten"],
        ),
        (
            json!({"kind": "sequential", "input": 8, "classes": 2, "layers": [{"linear": 3}]}),
            vec!["layer 0 (linear)", "[3, 1, 1]", "classes = 2"],
        ),
        (
            json!({"kind": "sequential", "input": [4, 2, 2], "classes": 2, "layers": [{"groupnorm": 3}]}),
            vec!["layer 0 (groupnorm)", "4 channels", "3 groups"],
        ),
        (
            json!({"kind": "sequential", "input": 4, "classes": 2, "layers": [{"residual": [{"linear": 2}]}]}),
            vec!["layer 0 (residual)", "give [2, 1, 1]", "input is [4, 1, 1]", "\"project\": true"],
        ),
        (
            json!({"kind": "sequential", "input": 4, "classes": 4, "layers": [{"residual": ["flatten"]}]}),
            vec!["layer 0 (residual)", "computes something"],
        ),
        (
            json!({"kind": "sequential", "input": [1, 8, 8], "classes": 4, "layers": [
                {"residual": [{"avgpool": 3, "stride": 1}], "project": true}]}),
            vec!["layer 0 (residual)", "1x1 convolution", "[1, 6, 6]", "[1, 8, 8]"],
        ),
        (
            json!({"kind": "sequential", "input": [1, 7, 7], "classes": 4, "layers": [{"residual": ["globalavgpool"], "project": true}]}),
            vec!["layer 0 (residual)", "[1, 1, 1]", "[1, 7, 7]"],
        ),
        (
            json!({"kind": "sequential", "input": [2, 2, 2], "classes": 2, "layers": [{"residual": ["tanh", {"linear": 2}]}]}),
            vec!["layer 0 (residual), layer 1 (linear)", "flatten"],
        ),
        (
            json!({"kind": "sequential", "layers": [{"dropout": 1}]}),
            vec!["model.layers[0].dropout", "not, 1", "found 1"],
        ),
        (
            json!({"kind": "sequential", "layers": [{"layernorm": 8}]}),
            vec!["model.layers[0].layernorm", "expected true"],
        ),
        (json!({"kind": "sequential", "layers": [{"groupnorm": 0.5}]}), vec!["model.layers[0].groupnorm", "0.5"]),
        (
            json!({"kind": "sequential", "layers": ["relu", {"residual": ["tanh", {"residual": ["rulu"]}]}]}),
            vec!["model.layers[1].residual[1].residual[0]", "`relu`"],
        ),
        (json!({"kind": "sequential", "layers": ["dropout"]}), vec!["model.layers[0]", "{\"dropout\": 0.5}"]),
        (json!({"kind": "sequential", "layers": [{"residual": 3}]}), vec!["model.layers[0].residual", "array"]),
        (json!({"kind": "sequential", "layers": [{"conv": 4}]}), vec!["model.layers[0].kernel", "missing"]),
        (json!({"kind": "sequential", "layers": ["rulu"]}), vec!["model.layers[0]", "`relu`"]),
        (json!({"kind": "mlp", "input": 16777216, "hidden": [16777216], "classes": 2}), vec!["layers.0", "at most"]),
    ] {
        let message = error(table);
        assert!(parts.iter().all(|p| message.contains(p)), "{message}");
    }
}

#[test]
fn residuals_nest_to_a_bound() {
    let nested = |deep: usize| {
        let inner = (0..deep).fold(json!("tanh"), |inner, _| json!({"residual": [inner]}));
        json!({"kind": "sequential", "input": 2, "classes": 2, "layers": [{"linear": 2}, inner]})
    };
    assert_eq!(chain(nested(16)).nodes.len(), 18);
    let message = error(nested(17));
    assert!(message.contains("nest at most 16 deep"), "{message}");
}

#[test]
fn the_data_completes_a_table() {
    let mlp = ModelSpec::from_json(&json!({"kind": "mlp", "hidden": [3], "weights": ""})).unwrap();
    let full = mlp.with_data([1, 8, 8], 10).unwrap();
    assert_eq!(full.to_json(), json!({"kind": "mlp", "input": 64, "hidden": [3], "classes": 10}));
    let cnn = ModelSpec::from_json(&json!({"kind": "cnn", "channels": [2], "hidden": 3, "classes": 62})).unwrap();
    assert_eq!(cnn.clone().with_data([1, 8, 8], 10).unwrap().classes(), Some(62));
    assert!(cnn.with_data([1, 8, 8], 63).unwrap_err().to_string().contains("62"));
    let wrong = full.with_data([1, 28, 28], 10).unwrap_err().to_string();
    assert!(wrong.contains("64 features") && wrong.contains("784"), "{wrong}");
}

#[test]
fn initial_weights_have_he_variance() {
    let c = chain(json!({"kind": "cnn", "input": [1, 28, 28], "channels": [8, 16], "hidden": 64, "classes": 10}));
    let w = c.init_weights(5);
    assert_eq!(w, c.init_weights(5));
    assert_ne!(w, c.init_weights(6));
    let fc1 = &c.params()[4];
    let values = &w[fc1.offset..fc1.offset + fc1.len];
    let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / fc1.len as f64;
    // Five standard errors of a variance, sqrt(2 / n) each.
    assert!((variance * 784.0 / 2.0 - 1.0).abs() < 5.0 * (2.0 / fc1.len as f64).sqrt());
    let bias = &c.params()[5];
    assert!(w[bias.offset..bias.offset + bias.len].iter().all(|&v| v == 0.0));
}

fn sizes(graph: &Graph) -> Vec<(&str, &[usize])> {
    graph.tensors.iter().map(|t| (t.name.as_str(), &t.shape[..])).collect()
}

#[test]
fn resnet18_has_the_papers_parameters_in_flat_order() {
    let c = chain(json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10}));
    assert_eq!((c.param_count(), c.state_len(), c.flops_forward()), (11_173_962, 11_173_962, 2 * 555_422_720));
    let all = sizes(&c);
    assert_eq!(all[..3], [("conv1.weight", &[64, 3, 3, 3][..]), ("bn1.weight", &[64]), ("bn1.bias", &[64])]);
    // Stage 1 has no shortcut; in stage 2 it stands behind the second norm.
    let at = all.iter().position(|t| t.0 == "layer2.0.bn2.bias").unwrap();
    let expected: [(&str, &[usize]); 4] = [
        ("layer2.0.shortcut.0.weight", &[128, 64, 1, 1]),
        ("layer2.0.shortcut.1.weight", &[128]),
        ("layer2.0.shortcut.1.bias", &[128]),
        ("layer2.1.conv1.weight", &[128, 128, 3, 3]),
    ];
    assert_eq!(all[at + 1..at + 5], expected);
    assert!(all.iter().all(|t| !t.0.starts_with("layer1.0.shortcut")));
    assert_eq!(all[all.len() - 2..], [("linear.weight", &[10, 512][..]), ("linear.bias", &[10])]);
    // The sum of a block is behind its second norm, whose ReLU comes last.
    let sums: Vec<_> = c.nodes.iter().filter(|n| n.residual.is_some()).collect();
    assert_eq!(sums.len(), 8);
    assert!(sums.iter().all(|n| matches!(n.layer, Layer::Norm(Norm { relu: true, .. }))));
}

#[test]
fn batch_norms_keep_their_statistics_behind_the_parameters() {
    let c = chain(json!({"kind": "resnet", "input": [3, 32, 32], "width": 8, "norm": "batch", "classes": 10}));
    let channels = c.batch_norm_channels();
    assert_eq!((c.param_count(), c.state_len()), (176_402, 176_402 + 2 * channels));
    assert_eq!(channels, 8 * 5 + (16 + 32 + 64) * 5);
    let names: Vec<&str> = c.buffers().iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names[..3], ["bn1.running_mean", "bn1.running_var", "layer1.0.bn1.running_mean"]);
    for node in &c.nodes {
        if let Layer::Norm(Norm { kind: NormKind::Batch { mean, variance }, shape, .. }) = node.layer {
            let at = |offset| c.tensors.iter().find(|t| t.offset == offset && t.len == shape.c).unwrap().name.as_str();
            assert!(at(mean).ends_with("running_mean") && at(variance).ends_with("running_var"));
        }
    }
    let w = c.init_weights(3);
    let variance = c.buffers()[1].offset;
    assert_eq!((w[variance - 1], w[variance], w.len()), (0.0, 1.0, c.state_len()));
}

#[test]
fn vit_has_the_contracts_parameters() {
    let c = chain(json!({"kind": "vit", "input": [3, 32, 32], "classes": 10}));
    assert_eq!((c.param_count(), c.tokens()), (18_978_314, 65));
    let names = names(&c);
    assert_eq!(names[..4], ["cls_token", "pos_embed", "patch_embed.weight", "patch_embed.bias"]);
    assert_eq!(names[4..7], ["blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.attn.qkv.weight"]);
    assert_eq!(names[names.len() - 1], "head.bias");
    for node in &c.nodes {
        let from = |source| match source {
            Source::Batch => c.input.len(),
            Source::Node(n) => c.nodes[n].layer.output_len(),
        };
        assert_eq!(from(node.input), node.layer.input_len());
        assert!(node.residual.is_none_or(|r| from(r) == node.layer.output_len()));
    }
    // Behind the last attention only the class token goes on.
    let linear = |layer: &Layer| if let Layer::Linear(linear) = layer { Some(linear.rows) } else { None };
    let rows: Vec<usize> = c.nodes.iter().filter_map(|node| linear(&node.layer)).collect();
    assert_eq!((rows.len(), &rows[19..]), (25, &[65, 65, 1, 1, 1, 1][..]));
    let w = c.init_weights(1);
    let (position, norm) = (&c.params()[1], &c.params()[4]);
    let values = &w[position.offset..position.offset + position.len];
    assert!(values.iter().all(|v| v.abs() <= 0.04));
    // Cut off at two deviations the variance is 0.774 of the normal's.
    let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / values.len() as f64;
    assert!((variance / (0.774 * 0.0004) - 1.0).abs() < 5.0 * (2.0 / values.len() as f64).sqrt(), "{variance}");
    assert!(w[norm.offset..norm.offset + norm.len].iter().all(|&v| v == 1.0));
}

#[test]
fn tables_of_the_papers_models_survive_a_round_trip() {
    for table in [
        json!({"kind": "resnet", "input": [3, 32, 32], "depth": 10, "width": 4, "norm": "batch", "classes": 3}),
        json!({"kind": "resnet", "input": [1, 9, 9], "depth": 18, "width": 6, "norm": "group", "groups": 3, "classes": 3}),
        json!({"kind": "vit", "input": [3, 8, 8], "patch": 2, "dim": 6, "depth": 1, "heads": 3, "mlp": 5, "classes": 4}),
    ] {
        let spec = ModelSpec::from_json(&table).unwrap();
        assert_eq!(spec.to_json(), table);
        assert_eq!(toml::from_str::<ModelSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
    }
    let spec = ModelSpec::from_json(&json!({"kind": "resnet"})).unwrap().with_data([3, 32, 32], 10).unwrap();
    assert_eq!(spec.graph().unwrap().param_count(), 11_173_962);
}
