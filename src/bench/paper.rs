//! The paper's models at its sizes: ResNet18 with group norm and a ViT, on made-up CIFAR-10-sized images.

use serde_json::json;

use super::forward::{Case, Output};
use super::problem;
use super::workload::{Check, Prepared, Timed, Workload, bound_of};
use super::{BenchError, Options, Unit};
use crate::data::Dataset;
use crate::device::as_f32;
use crate::engine::{Engine, ProbeClient, ProbeResult, ProbeSettings, RecordedPass, Sides};
use crate::fed::experiment::sample_set;
use crate::kernels::params::Lane;
use crate::model::{Graph, ModelSpec};
use crate::recording::BufferId;
use crate::stream::{Distribution, element};

/// A model and images for it.
struct Problem {
    graph: Graph,
    weights: Vec<f32>,
    data: Dataset,
}

fn resnet(options: &Options, images: u32) -> Result<(Problem, u32), BenchError> {
    let (width, images, size) = if options.small { (4, 2, 8) } else { (64, images, 32) };
    let table = json!({"kind": "resnet", "input": [3, size, size], "width": width, "classes": 10});
    Ok((of(&table, size, images)?, images))
}

/// The ViT of the contract's default sizes and `images` images.
fn vit(options: &Options, images: u32) -> Result<(Problem, u32), BenchError> {
    let (table, size, images) = if options.small {
        (json!({"kind": "vit", "input": [3, 8, 8], "dim": 8, "depth": 1, "heads": 2, "mlp": 12, "classes": 10}), 8, 2)
    } else {
        (json!({"kind": "vit", "input": [3, 32, 32], "classes": 10}), 32, images)
    };
    Ok((of(&table, size, images)?, images))
}

fn of(table: &serde_json::Value, size: usize, images: u32) -> Result<Problem, BenchError> {
    let graph = ModelSpec::from_json(table)?.graph()?;
    let weights = graph.init_weights(0);
    Ok(Problem { graph, weights, data: problem::made_up([3, size, size], 10, images as usize) })
}

/// Images of the small passes, of a ResNet18 and a ViT, and of those that fill a large GPU.
const SMALL: [u32; 2] = [32, 16];
const LARGE: [u32; 2] = [1000, 500];

/// ResNet18, one lane of 32 images, plain and perturbed.
pub fn resnet_forward(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (problem, images) = resnet(options, SMALL[0])?;
    both(engine, &problem, ["resnet-forward", "resnet-forward-perturbed"], images)
}

/// The same with as many images as fill a large GPU.
pub fn resnet_forward_large(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (problem, images) = resnet(options, options.batch.unwrap_or(LARGE[0]))?;
    both(engine, &problem, ["resnet-forward-large", "resnet-forward-large-perturbed"], images)
}

/// A ViT of the contract's default sizes, one lane of 16 images.
pub fn vit_forward(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (problem, images) = vit(options, SMALL[1])?;
    forward(engine, &problem, &[("vit-forward", None)], images)
}

/// The same with as many images as fill a large GPU, plain and perturbed.
pub fn vit_forward_large(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (problem, images) = vit(options, options.batch.unwrap_or(LARGE[1]))?;
    both(engine, &problem, ["vit-forward-large", "vit-forward-large-perturbed"], images)
}

fn both(engine: &mut Engine, problem: &Problem, names: [&'static str; 2], images: u32) -> Result<Prepared, BenchError> {
    forward(engine, problem, &[(names[0], None), (names[1], Some(Distribution::Rademacher))], images)
}

fn forward(
    engine: &mut Engine,
    problem: &Problem,
    names: &[(&'static str, Option<Distribution>)],
    images: u32,
) -> Result<Prepared, BenchError> {
    let seed = 0x5eed_0000_0000_0001u64;
    let coef = (1e-4 * 0.75) as f32;
    let lane = Lane { rows: images, seed_lo: seed as u32, seed_hi: (seed >> 32) as u32, coef, ..Lane::default() };
    let case = Case {
        graph: problem.graph.clone(),
        weights: problem.weights.clone(),
        set: sample_set(&problem.data, &problem.data.train),
        lanes: vec![lane],
        output: Output::Logits,
        checked: 1,
    };
    case.prepare(engine, names, &shape(problem, images))
}

fn shape(problem: &Problem, images: u32) -> String {
    let [c, h, w] = problem.data.shape;
    format!("{} parameters, {c}x{h}x{w}, batch {images}", problem.graph.param_count())
}

/// ResNet18, forward and backward pass of a local step on 32 images. A backward pass counts as two forward passes.
pub fn resnet_backward(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (problem, images) = resnet(options, SMALL[0])?;
    engine.replace_model(problem.graph.clone(), &problem.weights)?;
    let samples = engine.upload(&sample_set(&problem.data, &problem.data.train))?;
    let indices: Vec<u32> = (0..images).collect();
    let work = 3.0 * f64::from(images) * problem.graph.flops_forward() as f64;
    let buffers: Vec<BufferId> = samples.buffers().collect();
    // The probe comes before the pass, whose working buffers it may replace.
    let client = ProbeClient { indices: &indices, seeds: &[SEED] };
    let probed = engine.probe(&samples, &[client], &SETTINGS)?.pop();
    let pass = engine.gradients_pass(&samples, &indices)?;
    let workload = Workload {
        name: "resnet-forward-backward",
        shape: shape(&problem, images),
        work,
        unit: Unit::Flops,
        bound: bound_of(engine, work),
        timed: Timed::Recording(pass.recording.clone()),
        check: agrees_with_difference(pass, probed),
    };
    Ok(Prepared { workloads: vec![workload], buffers })
}

/// The probe that the gradient is compared with.
const SEED: u64 = 7;
const SETTINGS: ProbeSettings = ProbeSettings {
    distribution: Distribution::Rademacher,
    tau: 0.75,
    epsilon: 1e-4,
    sides: Sides::Two,
    batch_statistics: false,
};

/// The gradient along a probe's direction is what its two-sided difference says: the twins would take minutes for a whole step.
fn agrees_with_difference(pass: RecordedPass, probed: Option<ProbeResult>) -> Check {
    Box::new(move |engine| {
        let mut recording = pass.recording;
        recording.read_back(pass.output);
        let gradient = as_f32(&engine.device_mut().run(&recording)?.concat());
        let (dl, loss) = probed.map_or((f64::NAN, f64::NAN), |p| (f64::from(p.dl), f64::from(p.loss)));
        let sign = |i: usize| f64::from(element(SETTINGS.distribution, SEED, i as u64));
        let along = SETTINGS.tau * gradient.iter().enumerate().map(|(i, g)| f64::from(*g) * sign(i)).sum::<f64>();
        let size = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        // The difference's own rounding in f32 (the golden folder's bar), and 5 % of a slope's deviation for its curvature.
        let step = 2.0 * SETTINGS.epsilon;
        let tolerance = 2e-6 * (1.0 + loss) / step + 0.05 * size * SETTINGS.tau;
        let error = (dl / step - along).abs();
        // Also false for NaN.
        let fits = error <= tolerance && size > 0.0;
        Ok(if fits {
            Ok(())
        } else {
            Err(format!("a slope of {along:.4} differs by {error:.2e} from a difference's, at most {tolerance:.2e}"))
        })
    })
}
