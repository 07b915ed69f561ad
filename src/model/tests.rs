//! The model table against the contract's names, shapes and counts.

use serde_json::json;

use super::*;

fn chain(value: serde_json::Value) -> Chain {
    ModelSpec::from_json(&value).unwrap().chain().unwrap()
}

fn error(value: serde_json::Value) -> String {
    match ModelSpec::from_json(&value).and_then(|spec| spec.chain()) {
        Ok(_) => panic!("{value} was accepted"),
        Err(e) => e.to_string(),
    }
}

fn names(chain: &Chain) -> Vec<&str> {
    chain.params.iter().map(|p| p.name.as_str()).collect()
}

#[test]
fn mlp() {
    let c = chain(json!({"kind": "mlp", "input": [1, 8, 8], "hidden": [64], "classes": 10}));
    assert_eq!(
        names(&c),
        [
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "layers.1.bias"
        ]
    );
    assert_eq!(
        (c.param_count(), c.input, c.flops_forward()),
        (4810, Shape::features(64), 2 * 64 * 74)
    );
    assert_eq!(
        c.layers,
        [
            Layer::Linear {
                in_features: 64,
                out_features: 64,
                weight: 0,
                bias: Some(4096),
                relu: true
            },
            Layer::Linear {
                in_features: 64,
                out_features: 10,
                weight: 4160,
                bias: Some(4800),
                relu: false
            },
        ]
    );
}

#[test]
fn cnn() {
    let c = chain(
        json!({"kind": "cnn", "input": [1, 28, 28], "channels": [8, 16], "hidden": 64, "classes": 10}),
    );
    assert_eq!(c.params[0].shape, [8, 1, 5, 5]);
    assert_eq!(c.params[4].shape, [64, 784]);
    assert_eq!(
        names(&c)[2..5],
        ["conv1.weight", "conv1.bias", "fc1.weight"]
    );
    assert_eq!(
        c.layers.iter().map(Layer::kind).collect::<Vec<_>>(),
        ["conv", "maxpool", "conv", "maxpool", "linear", "linear"]
    );
    assert_eq!(c.max_activation(), 8 * 28 * 28);
    assert_eq!(
        c.flops_forward(),
        2 * (8 * 784 * 25 + 16 * 196 * 200 + 784 * 64 + 640)
    );
}

#[test]
fn sequential() {
    let table = json!({"kind": "sequential", "input": [3, 20, 24], "classes": 5, "layers": [
        {"conv": 9, "kernel": 5, "stride": 2, "padding": 2, "bias": false}, {"groupnorm": 3}, "gelu", {"conv": 10, "kernel": 1},
        "tanh", {"avgpool": 2}, {"conv": 14, "kernel": 3, "padding": 1}, "relu", "globalavgpool", "flatten", {"linear": 5}]});
    let c = chain(table.clone());
    let expected = [
        "0.weight",
        "1.weight",
        "1.bias",
        "3.weight",
        "3.bias",
        "6.weight",
        "6.bias",
        "10.weight",
        "10.bias",
    ];
    assert_eq!(names(&c), expected);
    for pair in c.layers.windows(2) {
        assert_eq!(pair[0].output_len(), pair[1].input_len());
    }
    assert!(matches!(c.layers[6], Layer::Conv { relu: true, .. }));
    // Canonical form: defaults filled in, and stable.
    let spec = ModelSpec::from_json(&table).unwrap();
    let canonical = spec.to_json();
    assert_eq!(
        canonical["layers"][3],
        json!({"conv": 10, "kernel": 1, "stride": 1, "padding": 0, "bias": true})
    );
    assert_eq!(ModelSpec::from_json(&canonical).unwrap(), spec);
    let text = toml::to_string(&spec).unwrap();
    assert_eq!(toml::from_str::<ModelSpec>(&text).unwrap(), spec);
}

#[test]
fn odd_rows_are_dropped_and_flattening_keeps_fusion() {
    let c = chain(
        json!({"kind": "sequential", "input": [1, 7, 9], "classes": 12, "layers": [
        {"maxpool": 2}, {"conv": 1, "kernel": 1}, "flatten", "relu"]}),
    );
    assert_eq!(c.layers.len(), 2);
    assert!(matches!(
        c.layers[1],
        Layer::Conv {
            output: Shape { c: 1, h: 3, w: 4 },
            relu: true,
            ..
        }
    ));
}

#[test]
fn errors_name_the_place_and_the_numbers() {
    for (table, parts) in [
        (json!({"kind": "resnet"}), vec!["resnet", "not available"]),
        (json!({"kind": "mpl"}), vec!["model.kind", "mpl", "`mlp`"]),
        (
            json!({"kind": "mlp", "hiden": [4], "hidden": [3]}),
            vec!["model.hiden", "`hidden`"],
        ),
        (
            json!({"kind": "mlp", "hidden": [0]}),
            vec!["model.hidden", "from 1"],
        ),
        (json!({"kind": "mlp"}), vec!["model.hidden", "missing"]),
        (
            json!({"kind": "mlp", "hidden": [3], "classes": 2}),
            vec!["model.input", "missing"],
        ),
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
            json!({"kind": "sequential", "layers": [{"conv": 4}]}),
            vec!["model.layers[0].kernel", "missing"],
        ),
        (
            json!({"kind": "sequential", "layers": ["rulu"]}),
            vec!["model.layers[0]", "`relu`"],
        ),
        (
            json!({"kind": "mlp", "input": 16777216, "hidden": [16777216], "classes": 2}),
            vec!["layers.0", "at most"],
        ),
    ] {
        let message = error(table);
        assert!(parts.iter().all(|p| message.contains(p)), "{message}");
    }
}

#[test]
fn the_data_completes_a_table() {
    let mlp = ModelSpec::from_json(&json!({"kind": "mlp", "hidden": [3], "weights": ""})).unwrap();
    let full = mlp.with_data([1, 8, 8], 10).unwrap();
    assert_eq!(
        full.to_json(),
        json!({"kind": "mlp", "input": 64, "hidden": [3], "classes": 10})
    );
    let cnn =
        ModelSpec::from_json(&json!({"kind": "cnn", "channels": [2], "hidden": 3, "classes": 62}))
            .unwrap();
    assert_eq!(
        cnn.clone().with_data([1, 8, 8], 10).unwrap().classes(),
        Some(62)
    );
    assert!(
        cnn.with_data([1, 8, 8], 63)
            .unwrap_err()
            .to_string()
            .contains("62")
    );
    let wrong = full.with_data([1, 28, 28], 10).unwrap_err().to_string();
    assert!(
        wrong.contains("64 features") && wrong.contains("784"),
        "{wrong}"
    );
}

#[test]
fn initial_weights_have_he_variance() {
    let c = chain(
        json!({"kind": "cnn", "input": [1, 28, 28], "channels": [8, 16], "hidden": 64, "classes": 10}),
    );
    let w = c.init_weights(5);
    assert_eq!(w, c.init_weights(5));
    assert_ne!(w, c.init_weights(6));
    let fc1 = &c.params[4];
    let values = &w[fc1.offset..fc1.offset + fc1.len];
    let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / fc1.len as f64;
    // Five standard errors of a variance, sqrt(2 / n) each.
    assert!((variance * 784.0 / 2.0 - 1.0).abs() < 5.0 * (2.0 / fc1.len as f64).sqrt());
    let bias = &c.params[5];
    assert!(
        w[bias.offset..bias.offset + bias.len]
            .iter()
            .all(|&v| v == 0.0)
    );
}
