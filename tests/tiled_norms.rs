//! Norms behind convolutions that tiles in workgroup memory compute: their statistics are made of the moments that the convolutions leave, whatever
//! multiplies, and depend on layer and lane alone.

mod support;

use serde_json::json;
use support::{Images, bits, device, graph};
use zowarmup::caps::Layout;
use zowarmup::engine::{Engine, ProbeClient, ProbeSettings, Sides, TrainClient, TrainSettings, Workspace};
use zowarmup::kernels::lib::matrix::{Multiply, SMALL};
use zowarmup::kernels::params::Lane;
use zowarmup::kernels::way::{Block, Way};
use zowarmup::layers::Pass;
use zowarmup::model::Graph;
use zowarmup::recording::{Command, Recording};
use zowarmup::stream::{Distribution, element};
use zowarmup::tune::{Ways, products};

const SAMPLES: u32 = 40;
const BLOCK: Way = Way::Block(Block::new(32, 32, 16).of_threads(4, 4));

/// Matrices of one f16 an operand and of two.
fn matrices() -> [Way; 2] {
    [SMALL, SMALL.split()].map(|tile| Way::Matrix(tile.by(Multiply::Emulated)))
}

/// Two group norms and a batch norm behind convolutions of images of `side` pixels.
fn chain(side: usize) -> Graph {
    graph(json!({"kind": "sequential", "input": [2, side, side], "classes": 5, "layers": [
        {"conv": 10, "kernel": 3, "padding": 1, "bias": true}, {"groupnorm": 2}, "relu",
        {"conv": 12, "kernel": 3, "padding": 1, "stride": 2, "bias": false}, {"groupnorm": 3}, "relu",
        {"conv": 6, "kernel": 3, "padding": 1, "bias": true}, "batchnorm", "relu",
        "flatten", {"linear": 5, "bias": true},
    ]}))
}

fn resnet(norm: &str) -> Graph {
    graph(json!({"kind": "resnet", "input": [2, 16, 16], "depth": 10, "width": 4, "norm": norm, "classes": 5}))
}

/// Initial weights, and biases and shifts that aren't 0.
fn weights(graph: &Graph) -> Vec<f32> {
    let mut weights = graph.init_weights(3);
    for (i, w) in weights.iter_mut().enumerate().take(graph.param_count()) {
        *w += 0.1 * element(Distribution::Uniform, 1, i as u64);
    }
    weights
}

fn engine(graph: &Graph, ways: Ways, reference: bool, memory: Option<u64>) -> Engine {
    let mut space = Workspace::new(device(reference, memory)).unwrap();
    space.set_ways(Some(ways));
    Engine::on(space, graph.clone(), &weights(graph)).unwrap()
}

fn by(graph: &Graph, way: Way) -> Ways {
    Ways::uniform(graph, Layout::ChannelsLast, way)
}

fn relative(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    norm(&mut ours.iter().zip(theirs).map(|(a, b)| a - b)) / norm(&mut theirs.iter().copied())
}

/// A batch as f32, with labels.
fn batch(rows: usize, values: usize) -> (Vec<f32>, Vec<u32>) {
    let x = (0..rows * values).map(|i| element(Distribution::Uniform, 7, i as u64)).collect();
    (x, (0..rows as u32).map(|i| i % 5).collect())
}

/// Roundings of a layer's sum, of at most 16 * 9 products, and of its norm, as kernels' cases have them: worst cases, which layers hand on.
const A_LAYER: f64 = (2.0 * 148.0 + 276.0) / 16_777_216.0;

#[test]
fn outputs_and_gradients_are_those_by_shuffles() {
    for (name, graph, values, layers) in
        [("chain", chain(8), 128, 4.0), ("group", resnet("group"), 512, 10.0), ("batch", resnet("batch"), 512, 10.0)]
    {
        let (x, y) = batch(7, values);
        for of_rows in [false, true] {
            let run = |way: Way| {
                let mut engine = engine(&graph, by(&graph, way), true, None);
                let logits = engine.outputs(&x, &y, of_rows).unwrap().logits;
                let found = engine.gradients(&x, &y, of_rows).unwrap();
                (logits, found.gradients, found.statistics)
            };
            let (logits, gradients, statistics) = run(Way::Shuffle);
            for way in [BLOCK, matrices()[1]] {
                // Of two f16 an operand is known to 2^-23 of itself to a device; to the twins it is whole.
                let (tiled, slopes, found) = run(way);
                let what = format!("{name} {way}, statistics of rows {of_rows}");
                let error = relative(&tiled, &logits);
                assert!(error <= layers * A_LAYER, "{what}: logits {error:e}");
                // Slopes go back through each layer once more, through norms three times.
                let error = relative(&slopes, &gradients);
                assert!(error <= 5.0 * layers * A_LAYER, "{what}: gradients {error:e}");
                if of_rows && !statistics.is_empty() {
                    let error = relative(&found, &statistics);
                    assert!(error <= layers * A_LAYER, "{what}: statistics {error:e}");
                }
            }
        }
    }
}

/// The device computes what the twins do, operands rounded alike.
#[test]
fn a_device_agrees_with_the_twins() {
    let graph = chain(8);
    let (x, y) = batch(7, 128);
    for way in [BLOCK, matrices()[0], matrices()[1]] {
        // An operand that is rounded to an f16 another way moves its products by 2^-11 of themselves; one of two by 2^-22.
        let rounded = match way {
            Way::Matrix(tile) if tile.split => 2f64.powi(-21),
            Way::Matrix(_) => 2f64.powi(-10),
            _ => 0.0,
        };
        let run = |reference: bool, of_rows: bool| {
            engine(&graph, by(&graph, way), reference, None).outputs(&x, &y, of_rows).unwrap().logits
        };
        for of_rows in [false, true] {
            let error = relative(&run(false, of_rows), &run(true, of_rows));
            assert!(error <= 4.0 * (2.0 * A_LAYER + rounded), "{way}, statistics of rows {of_rows}: {error:e}");
        }
    }
}

fn probes(graph: &Graph, ways: Ways, reference: bool, memory: Option<u64>, of_rows: bool) -> (Vec<u32>, u64) {
    let mut engine = engine(graph, ways, reference, memory);
    let values = graph.input.len();
    let samples = engine.upload(&Images::new(SAMPLES as usize, 5, (2, values / 2)).set()).unwrap();
    let order: Vec<u32> = (0..SAMPLES).map(|i| i * 7 % SAMPLES).collect();
    let clients = [&order[..2], &order[2..13], &order[13..]].map(|indices| ProbeClient { indices, seeds: &[11, 12] });
    let settings = ProbeSettings {
        distribution: Distribution::Rademacher,
        tau: 0.75,
        epsilon: 1e-2,
        sides: Sides::Two,
        batch_statistics: of_rows,
    };
    engine.take_counters();
    let probes = engine.probe(&samples, &clients, &settings).unwrap();
    let launches = engine.take_counters().dispatches;
    (probes.iter().flat_map(|probe| [probe.dl.to_bits(), probe.loss.to_bits()]).collect(), launches)
}

/// Weights after local steps of clients.
fn trained(graph: &Graph, ways: Ways, reference: bool, memory: Option<u64>) -> (Vec<u32>, u64) {
    let mut engine = engine(graph, ways, reference, memory);
    let samples = engine.upload(&Images::new(SAMPLES as usize, 5, (2, graph.input.len() / 2)).set()).unwrap();
    let all: Vec<u32> = (0..SAMPLES).collect();
    let client =
        |indices: &[u32]| TrainClient { batches: indices.chunks(9).map(<[u32]>::to_vec).collect(), share: 0.5 };
    engine.take_counters();
    let rates = TrainSettings { client_lr: 0.05, server_lr: 1.0 };
    engine.train(&samples, &[client(&all[..18]), client(&all[18..36])], &rates).unwrap();
    let launches = engine.take_counters().dispatches;
    (bits(&engine.weights().unwrap()), launches)
}

#[test]
fn no_result_depends_on_how_memory_cuts_the_work() {
    for (graph, reference, of_rows, kib) in [
        (chain(8), false, false, 160),
        (chain(8), true, false, 160),
        (chain(8), true, true, 400),
        (resnet("group"), true, false, 500),
        (resnet("batch"), true, true, 1600),
    ] {
        let cut = Some(kib << 10);
        let (whole, plenty) = probes(&graph, by(&graph, BLOCK), reference, None, of_rows);
        let (parts, more) = probes(&graph, by(&graph, BLOCK), reference, cut, of_rows);
        assert!(more > plenty, "{kib} KiB: no probe was cut");
        assert_eq!(whole, parts, "probes, {kib} KiB, the twins {reference}");
    }
    for (graph, kib) in [(chain(8), 500), (resnet("group"), 1200)] {
        let (whole, plenty) = trained(&graph, by(&graph, BLOCK), true, None);
        let (parts, more) = trained(&graph, by(&graph, BLOCK), true, Some(kib << 10));
        assert!(more > plenty, "{kib} KiB: no step was cut");
        assert_eq!(whole, parts, "steps, {kib} KiB");
    }
}

/// How often kernels are launched: convolutions by tiles, those of them that leave moments, and the kernels that make statistics.
fn launched(recording: &Recording) -> [usize; 5] {
    let count = |is: &dyn Fn(&str, bool) -> bool| {
        let launch = |command: &&Command| match command {
            Command::Dispatch(d) => is(d.kernel.name, d.variant.defines().contains(&"MOMENTS")),
            _ => false,
        };
        recording.commands().iter().filter(launch).count()
    };
    [
        count(&|name, _| name == "tiled_conv"),
        count(&|_, moments| moments),
        count(&|name, _| matches!(name, "group_norm_moments" | "batch_norm_moments")),
        count(&|name, _| name == "group_norm_stats"),
        count(&|name, _| name.starts_with("batch_norm_stats")),
    ]
}

#[test]
fn no_norm_reads_again_what_a_convolution_left_moments_of() {
    let images = |graph: &Graph| Images::new(8, 5, (2, graph.input.len() / 2));
    let indices: Vec<u32> = (0..8).collect();
    let forward = |graph: &Graph, ways: Ways, perturbed: Option<Distribution>| {
        let mut engine = engine(graph, ways, true, None);
        let samples = engine.upload(&images(graph).set()).unwrap();
        let lane = Lane { rows: 8, coef: 1e-3, ..Lane::default() };
        launched(&engine.logits_pass(&samples, &indices, vec![lane], perturbed).unwrap().recording)
    };
    let step = |graph: &Graph, ways: Ways| {
        let mut engine = engine(graph, ways, true, None);
        let samples = engine.upload(&images(graph).set()).unwrap();
        launched(&engine.gradients_pass(&samples, &indices).unwrap().recording)
    };
    let signs = Some(Distribution::Rademacher);
    for way in [BLOCK, matrices()[0], matrices()[1]] {
        // Sides of 8 and 4; the batch norm has running statistics, or takes those of its rows.
        let graph = chain(8);
        for perturbed in [None, signs] {
            assert_eq!(forward(&graph, by(&graph, way), perturbed), [3, 2, 2, 0, 0], "{way}");
        }
        assert_eq!(step(&graph, by(&graph, way)), [3, 3, 3, 0, 0], "{way}");
        // Sides of 7 and 4: 49 pixels are left to the norm.
        let graph = chain(7);
        assert_eq!(forward(&graph, by(&graph, way), None), [3, 1, 1, 1, 0], "{way}");
        assert_eq!(step(&graph, by(&graph, way)), [3, 2, 2, 1, 0], "{way}");
    }
    // Of twelve convolutions those of sides 16, 8 and 4: the last stage's three have four pixels.
    let graph = resnet("group");
    assert_eq!(step(&graph, by(&graph, BLOCK)), [12, 9, 9, 3, 0]);
    let graph = resnet("batch");
    assert_eq!(step(&graph, by(&graph, BLOCK)), [12, 12, 12, 0, 0]);
    assert_eq!(forward(&graph, by(&graph, BLOCK), signs), [12, 0, 0, 0, 0]);
    // Perturbed products may have another way, which cuts other parts.
    let graph = chain(8);
    let mut ways = by(&graph, BLOCK);
    for (sizes, pass) in products(&graph) {
        if pass == Pass::Perturbed {
            ways.choose(sizes, pass, Way::Block(Block::new(64, 64, 16)));
        }
    }
    assert_eq!(forward(&graph, ways.clone(), signs), [3, 2, 2, 0, 0]);
    let (whole, _) = probes(&graph, ways.clone(), true, None, false);
    assert_eq!(whole, probes(&graph, ways, true, Some(160 << 10), false).0);
}
