//! Models, data and clients that the workloads share.

use std::collections::BTreeMap;
use std::path::Path;

use super::BenchError;
use crate::config::Config;
use crate::data::{Dataset, Normalisation, Part, Values};
use crate::fed::experiment::Experiment;
use crate::model::ModelSpec;
use crate::split::Split;

/// The small CNN that comes with the project, for 28x28 images.
const CNN: &str = include_str!("../../configs/fashion-mnist-cnn.toml");

/// The digits MLP, with `clients` clients of `images` images each.
pub fn mlp(clients: u32, images: u32) -> Result<Experiment, BenchError> {
    let config = Config::load(None, &[])?;
    let data = Dataset::load(&config.data)?;
    experiment(config, data, clients, images)
}

/// The small CNN on made-up images, with `clients` clients of `images` images each.
pub fn cnn(clients: u32, images: u32) -> Result<Experiment, BenchError> {
    let config = Config::parse(CNN, "the embedded CNN config", Path::new(""), &[])?;
    experiment(config, made_up([1, 28, 28], 10, 1024), clients, images)
}

/// The paper's ResNet18 with group norm, with `clients` clients of `images` made-up images each; small: narrow, on small images.
pub fn resnet(clients: u32, images: u32, small: bool) -> Result<Experiment, BenchError> {
    let table = if small { "kind = \"resnet\"\nwidth = 4" } else { "kind = \"resnet\"\nwidth = 64" };
    paper(table, clients, images, if small { 8 } else { 32 })
}

/// The ViT of default sizes, alike.
pub fn vit(clients: u32, images: u32, small: bool) -> Result<Experiment, BenchError> {
    let sizes = if small { "dim = 8\ndepth = 1\nheads = 2\nmlp = 12" } else { "" };
    let table = &format!("kind = \"vit\"\n{sizes}");
    paper(table, clients, images, if small { 8 } else { 32 })
}

/// A model, by its table, on images of 3 x `size` x `size`; clients train for one epoch.
fn paper(model: &str, clients: u32, images: u32, size: usize) -> Result<Experiment, BenchError> {
    let text = format!("[model]\n{model}\n[warmup]\nlocal_epochs = 1\n");
    let config = Config::parse(&text, "the bench's config", Path::new(""), &[])?;
    experiment(config, made_up([3, size, size], 10, 1024), clients, images)
}

/// `count` images of random bytes with random labels.
pub fn made_up(shape: [usize; 3], classes: u32, count: usize) -> Dataset {
    // Multiplicative congruential steps; the high byte is random enough for pixels.
    let mut state = 0x1234_5678_9abc_def1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let area = shape.iter().product();
    let pixels = Values::Bytes((0..count * area).map(|_| byte()).collect());
    let train = Part::of(pixels, (0..count).map(|_| u32::from(byte()) % classes).collect(), area);
    let normalisation = Normalisation { divisor: 255.0, mean: vec![0.5; shape[0]], std: vec![0.25; shape[0]] };
    let test = Part::new(area);
    Dataset {
        name: "made-up".to_owned(),
        shape,
        classes,
        train,
        test,
        normalisation,
        test_indices: None,
        clients: None,
    }
}

/// All clients take part in either phase and have equally many images; a set that is too small is dealt again and again.
fn experiment(config: Config, data: Dataset, clients: u32, images: u32) -> Result<Experiment, BenchError> {
    let table = serde_json::Value::Object(config.model.table.clone());
    let spec = ModelSpec::from_json(&table)?.with_data(data.shape, data.classes as usize)?;
    let (model, graph) = (spec.to_json(), spec.graph()?);
    let held = data.train.len() as u64;
    let deal =
        |c: u32| (0..images).map(|i| ((u64::from(c) * u64::from(images) + u64::from(i)) % held) as u32).collect();
    let split = Split {
        classes: data.classes,
        clients: (0..clients).map(deal).collect(),
        high: vec![true; clients as usize],
        histograms: Vec::new(),
        leftover: Vec::new(),
        test: None,
    };
    let initial = graph.init_weights(config.seeds.weights);
    Ok(Experiment {
        validation: None,
        config,
        data,
        split,
        model,
        graph,
        narrow: None,
        initial,
        notes: Vec::new(),
        given: BTreeMap::new(),
    })
}
