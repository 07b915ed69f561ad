//! HeteroFL's rounds against federations that another program simulated in f64 (tests/golden/methods), and their properties.

#[path = "support/shared.rs"]
mod shared;

use std::path::{Path, PathBuf};

use serde_json::Value;
use shared::Shared;
use zowarmup::device::{ReferenceDevice, testing};
use zowarmup::engine::{Engine, HeteroClient, SampleSet, Samples, TrainClient, TrainSettings};
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

    /// The samples: each value of them is a channel, in whose table byte n stands for the value of sample n.
    fn upload(&self, engine: &mut Engine) -> Samples {
        let (n, features) = (self.labels.len(), self.graph.input.len());
        assert!(n <= 256 && self.x.len() == n * features);
        let pixels: Vec<u8> = (0..n).flat_map(|i| vec![i as u8; features]).collect();
        let mut table = vec![0.0; features * 256];
        for (i, &value) in self.x.iter().enumerate() {
            table[i % features * 256 + i / features] = value;
        }
        let set = SampleSet { pixels: &pixels, labels: &self.labels, shape: (features, 1), table };
        engine.upload(&set).unwrap()
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
            let settings = TrainSettings { client_lr: self.lr, server_lr: 1.0 };
            engine.train_hetero(&self.narrow, &samples, self.work(), &settings).unwrap();
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
