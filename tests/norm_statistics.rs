//! Running statistics of batch norms, taken of clients' samples, against a plain computation in f64: each tensor by its name.

mod support;

use std::collections::BTreeMap;

use serde_json::json;
use support::{Images, device, graph};
use zowarmup::engine::{
    Engine, EngineError, NamedValues, ProbeClient, ProbeSettings, Sides, TrainClient, TrainSettings,
};
use zowarmup::model::Graph;
use zowarmup::stream::{Distribution, element};

const SIZE: usize = 9;

fn resnet(size: usize) -> Graph {
    graph(json!({"kind": "resnet", "input": [2, size, size], "depth": 10, "width": 2, "norm": "batch", "classes": 5}))
}

/// Images `[n][c]` of `side * side` pixels.
#[derive(Clone)]
struct Images64 {
    side: usize,
    planes: Vec<Vec<Vec<f64>>>,
}

/// A ResNet's forward pass with the statistics of its rows, written down from its description.
struct Plain<'a> {
    graph: &'a Graph,
    weights: &'a [f32],
    found: BTreeMap<String, Vec<f64>>,
}

impl Plain<'_> {
    fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let t = self.graph.tensors.iter().find(|t| t.name == name).unwrap();
        (t.shape.clone(), self.weights[t.offset..][..t.len].iter().map(|&w| f64::from(w)).collect())
    }

    fn conv(&self, name: &str, x: &Images64, stride: usize) -> Images64 {
        let (shape, w) = self.tensor(&format!("{name}.weight"));
        let (out, input, k) = (shape[0], shape[1], shape[2]);
        let (padding, side) = (k / 2, (x.side + 2 * (k / 2) - k) / stride + 1);
        let at = |plane: &[f64], i: usize, j: usize| {
            let inside = i >= padding && j >= padding && i - padding < x.side && j - padding < x.side;
            if inside { plane[(i - padding) * x.side + j - padding] } else { 0.0 }
        };
        let pixel = |image: &[Vec<f64>], o: usize, i: usize, j: usize| {
            let mut sum = 0.0;
            for c in 0..input {
                for (a, b) in (0..k).flat_map(|a| (0..k).map(move |b| (a, b))) {
                    sum += w[((o * input + c) * k + a) * k + b] * at(&image[c], i * stride + a, j * stride + b);
                }
            }
            sum
        };
        let plane = |image: &[Vec<f64>], o| (0..side * side).map(|p| pixel(image, o, p / side, p % side)).collect();
        let planes = x.planes.iter().map(|image| (0..out).map(|o| plane(image, o)).collect()).collect();
        Images64 { side, planes }
    }

    fn norm(&mut self, name: &str, x: &Images64) -> Images64 {
        let ((_, scale), (_, shift)) = (self.tensor(&format!("{name}.weight")), self.tensor(&format!("{name}.bias")));
        let mut y = x.clone();
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for c in 0..scale.len() {
            let values: Vec<f64> = x.planes.iter().flat_map(|image| image[c].iter().copied()).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            means.push(mean);
            variances.push(squares / (n - 1.0));
            let rstd = 1.0 / (squares / n + 1e-5).sqrt();
            for v in y.planes.iter_mut().flat_map(|image| &mut image[c]) {
                *v = (*v - mean) * rstd * scale[c] + shift[c];
            }
        }
        self.found.insert(format!("{name}.running_mean"), means);
        self.found.insert(format!("{name}.running_var"), variances);
        y
    }

    fn run(&mut self, x: Images64) {
        let mut x = relu(self.norm_of("conv1", "bn1", &x, 1));
        for stage in 1..=4 {
            let (name, stride) = (format!("layer{stage}.0"), if stage == 1 { 1 } else { 2 });
            let y = relu(self.norm_of(&format!("{name}.conv1"), &format!("{name}.bn1"), &x, stride));
            let mut y = self.norm_of(&format!("{name}.conv2"), &format!("{name}.bn2"), &y, 1);
            if stage > 1 {
                x = self.norm_of(&format!("{name}.shortcut.0"), &format!("{name}.shortcut.1"), &x, stride);
            }
            for (y, x) in y.planes.iter_mut().flatten().flatten().zip(x.planes.iter().flatten().flatten()) {
                *y += x;
            }
            x = relu(y);
        }
    }

    fn norm_of(&mut self, conv: &str, norm: &str, x: &Images64, stride: usize) -> Images64 {
        let y = self.conv(conv, x, stride);
        self.norm(norm, &y)
    }
}

fn relu(mut x: Images64) -> Images64 {
    x.planes.iter_mut().flatten().flatten().for_each(|v| *v = v.max(0.0));
    x
}

#[test]
fn each_norms_statistics_come_under_its_own_name() {
    let graph = resnet(SIZE);
    let mut weights = graph.init_weights(4);
    for (i, w) in weights.iter_mut().enumerate().take(graph.param_count()) {
        *w += 0.1 * element(Distribution::Uniform, 9, i as u64);
    }
    let images = Images::new(14, 5, (2, SIZE * SIZE));
    let clients = [(0..5).collect::<Vec<u32>>(), (5..14).collect()];
    // Means of the clients' statistics, each client counted once.
    let mut expected = BTreeMap::<String, Vec<f64>>::new();
    for indices in &clients {
        let pixels = |i: &u32| {
            let image = &images.pixels()[*i as usize * 2 * SIZE * SIZE..][..2 * SIZE * SIZE];
            image.chunks(SIZE * SIZE).map(|p| p.iter().map(|&b| f64::from(b) / 128.0 - 1.0).collect()).collect()
        };
        let mut plain = Plain { graph: &graph, weights: &weights, found: BTreeMap::new() };
        plain.run(Images64 { side: SIZE, planes: indices.iter().map(pixels).collect() });
        for (name, values) in plain.found {
            let sums = expected.entry(name).or_insert_with(|| vec![0.0; values.len()]);
            sums.iter_mut().zip(values).for_each(|(sum, v)| *sum += v / clients.len() as f64);
        }
    }
    for reference in [true, false] {
        let mut engine = Engine::new(device(reference, None), graph.clone(), &weights).unwrap();
        let samples = engine.upload(&images.set()).unwrap();
        let lists: Vec<&[u32]> = clients.iter().map(Vec::as_slice).collect();
        let found = engine.batch_norm_statistics(&samples, &lists).unwrap();
        engine.set_running_statistics(&found).unwrap();
        let state = engine.weights().unwrap();
        assert_eq!(found.len(), graph.buffers().len());
        for (tensor, NamedValues { name, values }) in graph.buffers().iter().zip(&found) {
            let expected = &expected[name];
            let variance = &self::variance_of(name, &found);
            for (c, (value, expected)) in values.iter().zip(expected).enumerate() {
                // Ten convolutions of at most 144 products and their norms, in f32: each a sum's rounding and a deviation's.
                let scale = f64::from(variance[c]).max(f64::from(variance[c]).sqrt()) + expected.abs();
                let error = (f64::from(*value) - expected).abs();
                assert!(error <= 10.0 * 200.0 * 2f64.powi(-24) * scale, "{name}[{c}]: {value} against {expected}");
            }
            let stored = &state[tensor.offset..][..tensor.len];
            assert!(tensor.name == *name && stored == values, "{name} is stored as {stored:?}, not {values:?}");
        }
        let wrong = NamedValues { name: "bn1.running_mean".to_owned(), values: vec![0.0; 3] };
        assert!(matches!(engine.set_running_statistics(&[wrong]), Err(EngineError::Tensor { .. })));
    }
}

fn variance_of(name: &str, found: &[NamedValues]) -> Vec<f32> {
    let variance = name.replace("running_mean", "running_var");
    found.iter().find(|t| t.name == variance).unwrap().values.clone()
}

/// A sample of one pixel a channel has no deviation: what would take it is refused, whatever asks.
#[test]
fn statistics_of_one_value_a_channel_are_refused() {
    // Three halvings: 8 pixels a side become 1.
    let graph = resnet(8);
    let mut engine = Engine::new(device(true, None), graph.clone(), &graph.init_weights(1)).unwrap();
    let images = Images::new(3, 5, (2, 64));
    let samples = engine.upload(&images.set()).unwrap();
    let (one, two): (&[u32], &[u32]) = (&[2], &[0, 1]);
    let before = engine.weights().unwrap();
    let refused = |result: Result<(), EngineError>, key: &str| {
        let error = result.unwrap_err();
        assert!(matches!(&error, EngineError::OneValue { layer, rows: 1, .. } if layer == "layer4.0.bn1"), "{error}");
        assert!(error.to_string().contains(key), "{error}");
    };
    let rates = TrainSettings { client_lr: 0.1, server_lr: 1.0 };
    let client = |batches: &[&[u32]]| TrainClient { batches: batches.iter().map(|b| b.to_vec()).collect(), share: 1.0 };
    refused(engine.train(&samples, &[client(&[two, one])], &rates).map(drop), "warmup.batch");
    let settings = ProbeSettings {
        distribution: Distribution::Rademacher,
        tau: 0.75,
        epsilon: 1e-3,
        sides: Sides::Two,
        batch_statistics: true,
    };
    let probe = [ProbeClient { indices: one, seeds: &[1] }];
    refused(engine.probe(&samples, &probe, &settings).map(drop), "zo.norm_statistics");
    refused(engine.batch_norm_statistics(&samples, &[two, one]).map(drop), "zo.norm_statistics");
    refused(engine.gradients(&[0.0; 128], &[0], true).map(drop), "warmup.batch");
    refused(engine.outputs(&[0.0; 128], &[0], true).map(drop), "warmup.batch");
    assert_eq!(engine.weights().unwrap(), before);
    // Two samples, and running statistics, are fine.
    engine.train(&samples, &[client(&[two])], &rates).unwrap();
    engine.probe(&samples, &probe, &ProbeSettings { batch_statistics: false, ..settings }).unwrap();
}
