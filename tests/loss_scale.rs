//! Local steps whose gradients are products of f16: the scale of the loss changes no bit where nothing overflows, and steps whose gradients
//! overflow are skipped, those of their client alone.

mod support;

use serde_json::json;
use support::{Images, bits, device, graph};
use zowarmup::caps::Layout;
use zowarmup::engine::{ClientStep, Engine, LossScale, SampleSet, State, TrainClient, Workspace};
use zowarmup::kernels::lib::matrix::{Multiply, SMALL};
use zowarmup::kernels::way::{Block, Way};
use zowarmup::layers::Pass;
use zowarmup::model::Graph;
use zowarmup::tune::{Ways, products};

const SAMPLES: usize = 40;
const BLOCK: Way = Way::Block(Block::new(32, 32, 16).of_threads(4, 4));

fn cnn() -> Graph {
    graph(json!({"kind": "cnn", "input": [2, 8, 8], "channels": [4, 6], "hidden": 12, "classes": 5}))
}

/// Forward passes by tiles, gradients in a way.
fn gradients_by(graph: &Graph, way: Way) -> Ways {
    let mut ways = Ways::uniform(graph, Layout::ChannelsLast, BLOCK);
    for (sizes, pass) in products(graph) {
        if Pass::BACKWARD.contains(&pass) {
            ways.choose(sizes, pass, way);
        }
    }
    ways
}

fn engine(graph: &Graph, way: Way, reference: bool, memory: Option<u64>) -> Engine {
    let mut space = Workspace::new(device(reference, memory)).unwrap();
    space.set_ways(Some(gradients_by(graph, way)));
    Engine::on(space, graph.clone(), &graph.init_weights(5)).unwrap()
}

fn client(samples: &[u32], batch: usize, share: f32) -> TrainClient {
    TrainClient { batches: samples.chunks(batch).map(<[u32]>::to_vec).collect(), share }
}

const STEP: ClientStep<'static> = ClientStep {
    lr: 0.05,
    momentum: 0.9,
    weight_decay: 0.01,
    proximal_mu: 0.5,
    clip_norm: 0.3,
    moves: None,
    masks: None,
};

#[test]
fn a_scale_changes_no_bit_where_nothing_overflows() {
    let (graph, images) = (cnn(), Images::new(SAMPLES, 5, (2, 64)));
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    let clients = [client(&all[..7], 7, 0.2), client(&all[7..22], 4, 0.3), client(&all[22..], 9, 0.5)];
    for step in [ClientStep::plain(0.05), STEP] {
        let after = |way: Way| {
            let mut engine = engine(&graph, way, true, None);
            let samples = engine.upload(&images.set()).unwrap();
            assert!(engine.loss_scale().is_none(), "no step was made yet");
            engine.train_average(&samples, &clients, &step, 1.0).unwrap();
            let round = engine.end_scaled_round();
            assert_eq!(round.is_some(), way != BLOCK);
            assert_eq!(round.map_or(0, |round| round.skipped), 0);
            bits(&engine.weights().unwrap())
        };
        // Operands that are split are whole to the twins.
        let split = Way::Matrix(SMALL.split().by(Multiply::Emulated));
        assert!(after(split) == after(BLOCK), "{:?}", step.momentum);
    }
}

#[test]
fn only_steps_that_overflow_are_skipped() {
    let graph = cnn();
    // The first ten samples are far beyond an f16.
    let x: Vec<f32> = (0..SAMPLES * 128)
        .map(|i| ((i * 37 % 101) as f32 / 101.0 - 0.5) * if i < 10 * 128 { 1e6 } else { 1.0 })
        .collect();
    let labels: Vec<u32> = (0..SAMPLES as u32).map(|i| i % 5).collect();
    let set = SampleSet::of_floats(&x, &labels, (2, 64));
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    let (large, plain) = (client(&all[..10], 4, 0.5), client(&all[10..], 8, 0.5));
    let way = Way::Matrix(SMALL.by(Multiply::Emulated));
    for (reference, step) in [(true, ClientStep::plain(0.05)), (true, STEP), (false, STEP)] {
        let change = |clients: &[TrainClient], memory: Option<u64>| {
            let mut engine = engine(&graph, way, reference, memory);
            engine.restart_scale();
            let samples = engine.upload(&set).unwrap();
            engine.train_delta(&samples, clients, &step).unwrap();
            let round = engine.end_scaled_round().unwrap();
            (bits(&engine.step_values().unwrap()), round, engine.save().unwrap())
        };
        let (alone, round, _) = change(std::slice::from_ref(&plain), None);
        assert_eq!(round.skipped, 0);
        let start = LossScale::default().value();
        assert_eq!(round.scale, start);
        let both = [large.clone(), plain.clone()];
        let (changed, round, saved) = change(&both, None);
        assert!(changed == alone, "another client's skipped steps move something");
        assert!(changed.iter().any(|bits| *bits != 0));
        // Three batches, each of which halves it.
        assert_eq!((round.skipped, round.scale), (3, start / 8.0));
        let names: Vec<&str> = saved.iter().map(|vector| vector.name.as_str()).collect();
        assert_eq!(names, [State::WEIGHTS, LossScale::NAME]);
        assert_eq!(saved[1].values, [start / 8.0, 0.0]);
        // One client at a time, and a batch in parts.
        let (cut, of_cut, _) = change(&both, Some(160 << 10));
        assert!(cut == changed && of_cut == round, "{of_cut:?}");
    }
}

#[test]
fn a_gradient_as_such_has_no_scale() {
    let (graph, images) = (cnn(), Images::new(SAMPLES, 5, (2, 64)));
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    let gradient = |way: Way| {
        let mut engine = engine(&graph, way, true, None);
        let samples = engine.upload(&images.set()).unwrap();
        engine.mean_gradient(&samples, &[(&all[..30], 0.75), (&all[30..], 0.25)]).unwrap();
        bits(&engine.step_values().unwrap())
    };
    // By the sums of f32 that are likely to be fast on the twins: by shuffles.
    assert!(gradient(Way::Matrix(SMALL.by(Multiply::Emulated))) == gradient(Way::Shuffle));
}
