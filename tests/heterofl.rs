//! HeteroFL's rounds against federations that another program simulated in f64 (tests/golden/methods), and their properties.

#[path = "support/shared.rs"]
mod shared;
mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shared::Shared;
use support::{Images, Narrow as NarrowBindings, bits, device};
use zowarmup::device::{Device, ReferenceDevice, testing};
use zowarmup::engine::{ClientStep, Engine, HeteroClient, SampleSet, Samples, TrainClient};
use zowarmup::model::{Graph, ModelSpec, Narrow};
use zowarmup::weights::{self, TensorFile};

/// A golden federation.
struct Federation {
    graph: Graph,
    narrow: Narrow,
    start: Vec<f32>,
    last: Vec<f32>,
    x: Vec<f32>,
    labels: Vec<u32>,
    /// Samples, and whether it has the whole model.
    clients: Vec<(Vec<u32>, bool)>,
    rounds: usize,
    epochs: u64,
    lr: f32,
    tolerance: f64,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/methods").join(name)
}

impl Federation {
    fn read(name: &str) -> Self {
        let folder = folder(name);
        let case: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        let spec = ModelSpec::from_json(&case["model"]).unwrap();
        let (graph, config) = (spec.graph().unwrap(), &case["config"]);
        let narrow = spec.narrow(config["heterofl"]["low_width"].as_f64().unwrap()).unwrap();
        let weights = |file: &str| weights::load(&folder.join(file), &graph.tensors).unwrap().values;
        let path = folder.join("data.safetensors");
        let bytes = std::fs::read(&path).unwrap();
        let file = TensorFile::parse(&path, &bytes).unwrap();
        let shape = file.shape("x").unwrap();
        let y = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let y = y.tensor("y").unwrap().data().chunks_exact(8).map(|b| u32::from(b[0])).collect();
        let client = |c: &Value| {
            let indices = c["indices"].as_array().unwrap().iter().map(|i| i.as_u64().unwrap() as u32).collect();
            (indices, c["high"].as_bool().unwrap())
        };
        Self {
            start: weights("base.safetensors"),
            last: weights("final.safetensors"),
            x: file.f32s("x", &shape).unwrap(),
            labels: y,
            clients: case["clients"].as_array().unwrap().iter().map(client).collect(),
            rounds: case["rounds"].as_array().unwrap().len(),
            epochs: config["warmup"]["local_epochs"].as_u64().unwrap(),
            lr: config["warmup"]["client_lr"].as_f64().unwrap() as f32,
            tolerance: case["tolerances"]["change"].as_f64().unwrap(),
            graph,
            narrow,
        }
    }

    fn upload(&self, engine: &mut Engine) -> Samples {
        engine.upload(&SampleSet::of_floats(&self.x, &self.labels, (self.graph.input.len(), 1))).unwrap()
    }

    /// The work of a round; each batch is a client's whole data.
    fn work(&self) -> Vec<HeteroClient> {
        let client = |(indices, high): &(Vec<u32>, bool)| HeteroClient {
            work: TrainClient { batches: vec![indices.clone(); self.epochs as usize], share: 0.0 },
            classes: indices.iter().map(|&i| self.labels[i as usize]).collect(),
            narrow: !high,
        };
        self.clients.iter().map(client).collect()
    }

    /// The weights after all rounds.
    fn simulated(&self, engine: &mut Engine) -> Vec<f32> {
        let samples = self.upload(engine);
        engine.set_weights(&self.start).unwrap();
        for _ in 0..self.rounds {
            engine.train_hetero(&self.narrow, &samples, self.work(), &ClientStep::plain(self.lr)).unwrap();
        }
        engine.weights().unwrap()
    }
}

fn norm(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}

const CASES: [&str; 3] = ["heterofl", "heterofl-conv", "heterofl-groupnorm"];

fn agree(shared: &Shared) {
    for name in CASES {
        let federation = Federation::read(name);
        let mut engine = Engine::new(shared.boxed(), federation.graph.clone(), &federation.start).unwrap();
        let ours = federation.simulated(&mut engine);
        let error = norm(&ours, &federation.last) / norm(&federation.last, &federation.start);
        println!("{name}: {error:.2e} of the change");
        assert!(error <= federation.tolerance, "{name}: {error}");
    }
}

#[test]
fn golden_federations_on_the_device() {
    agree(&Shared::new(testing::device()));
}

#[test]
fn golden_federations_on_the_twins() {
    agree(&Shared::new(Box::new(ReferenceDevice::new(None))));
}

/// A model of 5 classes on images of 2 x 9 x 9, and a share of it.
fn share(share: f64, table: Value) -> (Graph, Narrow) {
    let spec = ModelSpec::from_json(&table).unwrap();
    (spec.graph().unwrap(), spec.narrow(share).unwrap())
}

/// Many layers of equal size, so that windows of a binding that holds the largest cut the sub-network's vector, too.
fn chain() -> (Graph, Narrow) {
    let hidden = [12, 40, 40, 40, 40, 40, 40, 40];
    share(0.7, json!({"kind": "mlp", "input": [2, 9, 9], "hidden": hidden, "classes": 5}))
}

fn cnn() -> (Graph, Narrow) {
    share(0.5, json!({"kind": "cnn", "input": [2, 9, 9], "channels": [5, 7], "hidden": 30, "classes": 5}))
}

fn resnet() -> (Graph, Narrow) {
    share(0.5, json!({"kind": "resnet", "input": [2, 9, 9], "depth": 10, "width": 3, "norm": "batch", "classes": 5}))
}

/// A client of the samples `indices`, in two batches, that holds these classes.
fn client(indices: std::ops::Range<u32>, classes: &[u32], narrow: bool) -> HeteroClient {
    let all: Vec<u32> = indices.collect();
    let batches = all.chunks(all.len().div_ceil(2)).map(<[u32]>::to_vec).collect();
    HeteroClient { work: TrainClient { batches, share: 0.0 }, classes: classes.to_vec(), narrow }
}

const LR: f32 = 0.1;
const ALL: [u32; 5] = [0, 1, 2, 3, 4];

/// The weights after a round of these clients, and those before it.
fn round(device: Box<dyn Device>, (graph, narrow): &(Graph, Narrow), clients: Vec<HeteroClient>) -> [Vec<f32>; 2] {
    let before = graph.init_weights(3);
    let mut engine = Engine::new(device, graph.clone(), &before).unwrap();
    let images = Images::new(60, 5, (2, 81));
    let samples = engine.upload(&images.set()).unwrap();
    let loss = engine.train_hetero(narrow, &samples, clients, &ClientStep::plain(LR)).unwrap();
    assert!(loss.is_finite() && loss > 0.0);
    [engine.weights().unwrap(), before]
}

/// High and low clients, one of unequal size, each of them with all classes.
fn mixed() -> Vec<HeteroClient> {
    let client = |(range, narrow)| client(range, &ALL, narrow);
    [(0..10, true), (10..20, false), (20..27, true), (27..37, false), (37..47, true)].map(client).into()
}

#[test]
fn no_bit_depends_on_how_a_round_is_cut() {
    // Clients one by one and their rows in parts; vectors in windows, of the model alone and of both.
    for (name, model, budget, binding, cut) in [
        ("cnn", cnn(), 128, 36 * 256, [false, false]),
        ("resnet", resnet(), 768, 84 * 256, [true, false]),
        ("chain", chain(), 448, 32 * 256, [true, true]),
    ] {
        let lengths = [model.0.state_len(), model.1.graph.state_len()];
        assert_eq!(lengths.map(|len| 4 * len as u64 > binding), cut, "{name}: {lengths:?}");
        let [whole, _] = round(device(true, None), &model, mixed());
        for budget in [4 * budget, budget] {
            let [cut, _] = round(device(true, Some(budget << 10)), &model, mixed());
            assert_eq!(bits(&cut), bits(&whole), "{name} in {budget} KiB");
        }
        let [cut, _] = round(NarrowBindings::boxed(device(true, None), binding), &model, mixed());
        assert_eq!(bits(&cut), bits(&whole), "{name} with bindings of {binding} bytes");
    }
}

#[test]
fn clients_of_the_whole_model_are_averaged_as_by_fedavg() {
    // Halves are exact: the mean of two is the same as their sum times a half.
    let (graph, narrow) = cnn();
    let clients = || vec![client(0..10, &ALL, false), client(10..20, &ALL, false)];
    let [ours, before] = round(device(true, None), &(graph.clone(), narrow), clients());
    let mut engine = Engine::new(device(true, None), graph, &before).unwrap();
    let samples = engine.upload(&Images::new(60, 5, (2, 81)).set()).unwrap();
    let work: Vec<_> = clients().into_iter().map(|c| TrainClient { share: 0.5, ..c.work }).collect();
    engine.train_average(&samples, &work, &ClientStep::plain(LR), 1.0).unwrap();
    assert_eq!(bits(&engine.weights().unwrap()), bits(&ours));
}

#[test]
fn what_no_client_has_stays() {
    let model = cnn();
    let (graph, narrow) = &model;
    let images = Images::new(60, 5, (2, 81));
    let labels = images.set().labels.to_vec();
    // Clients of the sub-network alone, without any sample of class 4.
    let of: Vec<u32> = (0..60).filter(|&i| labels[i as usize] != 4).collect();
    let lacking = |batch: &[u32]| HeteroClient {
        work: TrainClient { batches: vec![batch.to_vec()], share: 0.0 },
        classes: vec![0, 1, 2, 3],
        narrow: true,
    };
    let [after, before] = round(device(true, None), &model, of.chunks(20).map(lacking).collect());
    let classifier = graph.classifier().unwrap();
    let (bias, row) = (classifier.bias.unwrap(), classifier.row);
    let lost = |i: usize| i == bias.end - 1 || (classifier.weight.end - row..classifier.weight.end).contains(&i);
    let mut changed = 0;
    for i in 0..graph.param_count() {
        let trained = narrow.indices.binary_search(&(i as u32)).is_ok() && !lost(i);
        assert!(trained || after[i].to_bits() == before[i].to_bits(), "weight {i}");
        changed += u32::from(trained && after[i] != before[i]);
    }
    // All that is trained moves, but for units that never fire.
    assert!(changed as usize > narrow.indices.len() / 2, "{changed} of {}", narrow.indices.len());
}

#[test]
fn running_statistics_stay() {
    let model = resnet();
    let [after, before] = round(device(true, None), &model, mixed());
    let d = model.0.param_count();
    assert_eq!(bits(&after[d..]), bits(&before[d..]));
    assert!(after[..d].iter().zip(&before[..d]).filter(|(a, b)| a != b).count() > d / 2);
}
