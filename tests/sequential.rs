//! Chains with residuals, batch norm, layer norm and dropout: outputs, gradients and statistics against plain f64 loops over the table
//! (`support/chain.rs`), whose own slopes are central differences.

#[path = "support/chain.rs"]
mod chain;
mod support;

use std::collections::BTreeMap;

use chain::{Batch, Chain};
use serde_json::{Value, json};
use support::{Images, Narrow, bits, device, graph, laid_out};
use zowarmup::caps::Layout;
use zowarmup::device::Device;
use zowarmup::engine::{ClientStep, Engine, ProbeClient, ProbeSettings, Sides, TrainClient};
use zowarmup::layers::Layer;
use zowarmup::model::Graph;
use zowarmup::stream::{Distribution, element};

const ROWS: usize = 11;
const CLASSES: usize = 3;

/// Input and layers of a chain.
struct Table {
    input: [usize; 3],
    layers: Value,
}

impl Table {
    fn graph(&self) -> Graph {
        graph(json!({"kind": "sequential", "input": self.input, "classes": CLASSES, "layers": self.layers}))
    }

    /// The chain with weights of a graph.
    fn chain(&self, graph: &Graph, weights: &[f32]) -> Chain<'_> {
        let values = |t: &zowarmup::model::ParamTensor| weights[t.offset..t.offset + t.len].iter().map(|&w| w.into());
        let tensors: BTreeMap<String, Vec<f64>> =
            graph.tensors.iter().map(|t| (t.name.clone(), values(t).collect())).collect();
        Chain::new(self.layers.as_array().unwrap(), tensors)
    }
}

/// Weights, all of them away from where they start.
fn weights_of(graph: &Graph) -> Vec<f32> {
    let mut weights = graph.init_weights(3);
    for (i, w) in weights.iter_mut().enumerate() {
        *w += 0.1 * element(Distribution::Uniform, 1, i as u64);
    }
    weights
}

fn inputs(input: [usize; 3], rows: usize) -> (Vec<f32>, Vec<u32>, Batch) {
    let images = Images::new(rows, CLASSES as u32, (input[0], input[1] * input[2]));
    let x: Vec<f32> = images.pixels().iter().map(|&p| f32::from(p) / 128.0 - 1.0).collect();
    let wide = x.chunks(x.len() / rows).map(|row| row.iter().map(|&v| f64::from(v)).collect());
    let batch = Batch { shape: input, rows: wide.collect() };
    (x, images.set().labels.to_vec(), batch)
}

/// `||a - b|| / ||b||`.
fn error(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    (squares(&mut a.iter().zip(b).map(|(&a, b)| f64::from(a) - b)) / squares(&mut b.iter().copied())).sqrt()
}

/// Every new kind first, in the middle and last, and where it is computed together with its neighbours.
fn tables() -> Vec<(&'static str, Table)> {
    let image = |layers: Value| Table { input: [2, 6, 6], layers };
    let vector = |layers: Value| Table { input: [5, 1, 1], layers };
    vec![
        (
            "a block of a residual network",
            image(json!([{"conv": 4, "kernel": 3, "padding": 1, "bias": false}, "batchnorm", "relu",
                {"residual": [{"conv": 4, "kernel": 3, "padding": 1}, "batchnorm", "relu", {"conv": 4, "kernel": 3, "padding": 1}, {"groupnorm": 2}]},
                "relu", {"residual": [{"conv": 5, "kernel": 3, "stride": 2, "padding": 1}, {"groupnorm": 1}, "relu"], "project": true},
                "globalavgpool", {"linear": 3}])),
        ),
        (
            "a residual of the batch that ends in a pool",
            image(
                json!([{"residual": ["tanh", {"maxpool": 2}], "project": true}, {"residual": ["gelu"]}, "flatten", "gelu", {"linear": 3}]),
            ),
        ),
        (
            "residuals in residuals",
            vector(
                json!([{"linear": 6}, {"residual": ["relu", {"linear": 6}, {"residual": [{"layernorm": true}, {"linear": 6}, "gelu"]}]},
                {"residual": [{"residual": [{"linear": 6}, "relu", {"linear": 6}]}, {"linear": 4, "bias": false}], "project": true}, "relu", {"linear": 3}]),
            ),
        ),
        (
            "a projection at the end",
            vector(json!([{"linear": 7}, "batchnorm", "relu", {"residual": ["tanh", {"linear": 3}], "project": true}])),
        ),
        (
            "layer norms of images and vectors",
            image(json!([{"layernorm": true}, {"conv": 3, "kernel": 3}, {"layernorm": true}, "relu",
            "flatten", {"linear": 9}, {"layernorm": true}, {"linear": 3}, {"residual": [{"layernorm": true}]}])),
        ),
        (
            "a batch norm first and one last",
            image(json!(["batchnorm", {"avgpool": 3}, "batchnorm", "relu", "flatten", {"linear": 3}, "batchnorm"])),
        ),
        (
            "dropouts that drop nothing",
            image(
                json!([{"dropout": 0.5}, {"conv": 3, "kernel": 3}, {"dropout": 0.2}, "relu", "flatten", {"residual": [{"linear": 48}, {"dropout": 0.1}]}, {"linear": 3}]),
            ),
        ),
    ]
}

fn agree(reference: bool, layout: Layout) {
    for (name, table) in tables() {
        let graph = table.graph();
        let weights = weights_of(&graph);
        let (x, labels, batch) = inputs(table.input, ROWS);
        let mut engine = Engine::new(laid_out(layout, reference, None), graph.clone(), &weights).unwrap();
        let mut chain = table.chain(&graph, &weights);
        for batch_statistics in [false, true] {
            let what = format!("{name}, reference {reference}, {layout:?}, batch statistics {batch_statistics}");
            chain.batch_statistics = batch_statistics;
            let outputs = engine.outputs(&x, &labels, batch_statistics).unwrap();
            // The tolerances that golden files have.
            assert!(error(&outputs.logits, &chain.outputs(&batch).rows.concat()) < 1e-4, "{what}");
            assert!((f64::from(outputs.loss) / chain.loss(&batch, &labels) - 1.0).abs() < 1e-4, "{what}");
        }
        let pass = engine.gradients(&x, &labels, true).unwrap();
        compare_gradients(name, &graph, &pass.gradients, &mut chain, &batch, &labels);
        chain.outputs(&batch);
        let moved: Vec<f64> = graph.buffers().iter().flat_map(|tensor| running(&chain, &tensor.name)).collect();
        assert!(moved.is_empty() || error(&pass.statistics, &moved) < 1e-4, "{name}");
    }
}

/// Running statistics after a step (momentum 0.1).
fn running(chain: &Chain<'_>, name: &str) -> Vec<f64> {
    let (norm, kind) = name.rsplit_once('.').unwrap();
    let (mean, variance) = &chain.found[norm];
    let found = if kind == "running_mean" { mean } else { variance };
    found.iter().zip(&chain.tensors[name]).map(|(new, old)| 0.9 * old + 0.1 * new).collect()
}

/// Each tensor's gradient against central differences of the chain's loss, whose own error is 1e-8 of a slope near 1.
fn compare_gradients(name: &str, graph: &Graph, found: &[f32], chain: &mut Chain<'_>, batch: &Batch, labels: &[u32]) {
    const STEP: f64 = 1e-5;
    for tensor in graph.params() {
        let slope = |i: usize| {
            let start = chain.tensors[&tensor.name][i];
            let mut at = |value: f64| {
                chain.tensors.get_mut(&tensor.name).unwrap()[i] = value;
                chain.loss(batch, labels)
            };
            let slope = (at(start + STEP) - at(start - STEP)) / (2.0 * STEP);
            at(start);
            slope
        };
        let slopes: Vec<f64> = (0..tensor.len).map(slope).collect();
        let length = slopes.iter().map(|s| s * s).sum::<f64>().sqrt();
        let own = &found[tensor.offset..tensor.offset + tensor.len];
        let apart = own.iter().zip(&slopes).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum::<f64>().sqrt();
        // The tolerance that golden files have; a bias before a batch norm has no slope but rounding, 1e-7 of others of its size.
        assert!(apart < 1e-3 * length + 1e-6, "{name}, {}: {apart} of {length}", tensor.name);
    }
}

#[test]
fn chains_agree_with_plain_loops_on_the_twins() {
    Layout::ALL.into_iter().for_each(|layout| agree(true, layout));
}

#[test]
fn chains_agree_with_plain_loops_on_the_adapter() {
    agree(false, Layout::default());
}

#[test]
fn sums_are_fused_where_the_layer_before_can_add() {
    let kinds = |layers: Value| {
        let graph = Table { input: [2, 6, 6], layers }.graph();
        graph.nodes.iter().map(|n| (n.layer.kind(), n.residual.is_some())).collect::<Vec<_>>()
    };
    let ending = |layer: Value| {
        let mut found =
            kinds(json!([{"residual": [{"conv": 2, "kernel": 1}, layer]}, "relu", "flatten", {"linear": 3}]));
        found.truncate(found.len() - 1);
        found
    };
    // The ReLU behind a norm's sum is part of the norm.
    assert_eq!(ending(json!({"groupnorm": 1})), [("conv", false), ("groupnorm", true)]);
    assert_eq!(ending(json!("tanh")), [("conv", false), ("tanh", false), ("add", true), ("relu", false)]);
    assert_eq!(ending(json!("relu")), [("conv", false), ("add", true), ("relu", false)]);
    // What is read twice keeps its values: no ReLU moves into it.
    let entry = kinds(json!([{"conv": 2, "kernel": 1}, {"residual": ["relu"]}, "flatten", {"linear": 3}]));
    assert_eq!(entry, [("conv", false), ("relu", false), ("add", true), ("linear", false)]);
    let projected =
        kinds(json!([{"residual": [{"maxpool": 2}, {"groupnorm": 1}], "project": true}, "flatten", {"linear": 3}]));
    assert_eq!(projected, [("maxpool", false), ("conv", false), ("groupnorm", true), ("linear", false)]);
    // The projection itself is no layer that could add what it gives.
    let vectors = kinds(json!(["flatten", {"residual": [{"linear": 5}, "tanh"], "project": true}, {"linear": 3}]));
    assert_eq!(vectors, [("linear", false), ("tanh", false), ("linear", false), ("add", true), ("linear", false)]);
}

/// Two dropouts of 40 % and one of a tenth, one of them in a residual.
fn dropping() -> Table {
    let layers = json!([{"dropout": 0.1}, {"conv": 3, "kernel": 3}, "tanh", {"dropout": 0.4}, "flatten", {"linear": 9},
        {"residual": [{"linear": 9}, "gelu", {"dropout": 0.4}]}, {"linear": CLASSES}]);
    Table { input: [2, 6, 6], layers }
}

fn seed_of(client: usize, batch: usize) -> u64 {
    0x0123_4567_89ab_cdef ^ ((client as u64) << 40 | batch as u64)
}

#[test]
fn steps_drop_what_the_masks_say() {
    let table = dropping();
    let graph = table.graph();
    let weights = weights_of(&graph);
    let (_, labels, batch) = inputs(table.input, ROWS);
    let images = Images::new(ROWS, CLASSES as u32, (2, 36));
    let client = [TrainClient { batches: vec![(0..ROWS as u32).collect()], share: 1.0 }];
    for (reference, layout) in
        [(true, Layout::ChannelsFirst), (true, Layout::ChannelsLast), (false, Layout::ChannelsFirst)]
    {
        let mut engine = Engine::new(laid_out(layout, reference, None), graph.clone(), &weights).unwrap();
        let samples = engine.upload(&images.set()).unwrap();
        let mut chain = table.chain(&graph, &weights);
        let mut losses = Vec::new();
        for masks in [None, Some(seed_of(0, 0))] {
            chain.masks = masks;
            let seed = |_: usize, _: usize| seed_of(0, 0);
            // A rate that is a power of two: the change is the gradient but for the rounding of weights near 1, 2^-24.
            let step =
                ClientStep { masks: masks.map(|_| &seed as &dyn Fn(usize, usize) -> u64), ..ClientStep::plain(1.0) };
            let loss = engine.train_delta(&samples, &client, &step).unwrap();
            assert!((loss / chain.loss(&batch, &labels) - 1.0).abs() < 1e-4, "{reference}, {masks:?}");
            let slopes: Vec<f32> = engine.step_values().unwrap().iter().map(|change| -change).collect();
            compare_gradients("dropouts", &graph, &slopes, &mut chain, &batch, &labels);
            losses.push(loss);
        }
        assert!((losses[0] - losses[1]).abs() > 1e-3, "{losses:?}");
    }
}

#[test]
fn all_but_steps_is_computed_as_without_dropouts() {
    let graph = dropping().graph();
    let plain = graph.without_dropout();
    assert!(graph.has_dropout() && !plain.has_dropout() && plain.nodes.len() + 3 == graph.nodes.len());
    let weights = weights_of(&graph);
    let images = Images::new(20, CLASSES as u32, (2, 36));
    let settings = ProbeSettings {
        distribution: Distribution::Rademacher,
        tau: 0.75,
        epsilon: 0.02,
        sides: Sides::Two,
        batch_statistics: false,
    };
    let indices: Vec<u32> = (0..20).collect();
    let results = |graph: &Graph| {
        let mut engine = Engine::new(device(true, None), graph.clone(), &weights).unwrap();
        let samples = engine.upload(&images.set()).unwrap();
        let probes = engine.probe(&samples, &[ProbeClient { indices: &indices, seeds: &[1, 2] }], &settings).unwrap();
        let evaluation = engine.evaluate(&samples).unwrap();
        let gradient = engine.mean_gradient(&samples, &[(&indices, 1.0)]).unwrap();
        let bits: Vec<_> = probes.iter().map(|p| (p.dl.to_bits(), p.loss.to_bits())).collect();
        let launches = engine.take_counters().dispatches;
        (bits, evaluation.loss.to_bits(), gradient.to_bits(), engine.step_values().unwrap(), launches)
    };
    assert_eq!(results(&graph), results(&plain));
}

/// Three clients of several batches each.
fn dropped_round(device: Box<dyn Device>) -> (Vec<u32>, u64, u64) {
    let graph = dropping().graph();
    let images = Images::new(60, CLASSES as u32, (2, 36));
    let mut engine = Engine::new(device, graph.clone(), &weights_of(&graph)).unwrap();
    let samples = engine.upload(&images.set()).unwrap();
    let order: Vec<u32> = (0..60).map(|i| i * 7 % 60).collect();
    let client = |samples: &[u32], batch: usize| TrainClient {
        batches: samples.chunks(batch).map(<[u32]>::to_vec).collect(),
        share: samples.len() as f32 / 60.0,
    };
    let work = [client(&order[..10], 10), client(&order[10..33], 8), client(&order[33..], 27)];
    let step = ClientStep { masks: Some(&seed_of), momentum: 0.5, ..ClientStep::plain(0.1) };
    let loss = engine.train_average(&samples, &work, &step, 1.0).unwrap();
    (bits(&engine.weights().unwrap()), loss.to_bits(), engine.take_counters().dispatches)
}

#[test]
fn no_mask_depends_on_how_rows_are_cut() {
    for reference in [true, false] {
        let (weights, loss, plenty) = dropped_round(device(reference, None));
        // Bindings of eight rows of 72 f32, and of the weights.
        let state = dropping().graph().state_len();
        let binding = (32 * 72).max(4 * state).next_multiple_of(256) as u64;
        let narrow = dropped_round(Narrow::boxed(device(reference, None), binding));
        assert!(narrow.2 > plenty && (&narrow.0, narrow.1) == (&weights, loss), "{reference}: {} launches", narrow.2);
    }
}

#[test]
fn seeds_layers_rows_and_batches_have_masks_of_their_own() {
    let graph = dropping().graph();
    let numbers: Vec<usize> = graph
        .nodes
        .iter()
        .filter_map(|node| match node.layer {
            Layer::Dropout(dropout) => Some(dropout.number),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    // The same batch with another seed, and another batch of the same client, give other weights.
    let images = Images::new(8, CLASSES as u32, (2, 36));
    let trained = |seed: &dyn Fn(usize, usize) -> u64| {
        let mut engine = Engine::new(device(true, None), graph.clone(), &weights_of(&graph)).unwrap();
        let samples = engine.upload(&images.set()).unwrap();
        let work = [TrainClient { batches: vec![(0..8).collect()], share: 1.0 }];
        engine
            .train_average(&samples, &work, &ClientStep { masks: Some(seed), ..ClientStep::plain(0.1) }, 1.0)
            .unwrap();
        bits(&engine.weights().unwrap())
    };
    assert_eq!(trained(&|_, _| 5), trained(&|_, _| 5));
    assert_ne!(trained(&|_, _| 5), trained(&|_, _| 6));
}
