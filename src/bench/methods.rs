//! Zeroth-order rounds of several methods on the same clients and samples, each against the plain round: all make as many forward passes.

use std::rc::Rc;

use super::problem;
use super::workload::{Check, Prepared, Timed, Workload};
use super::{BenchError, Ceiling, Options, Unit};
use crate::config::{ZoConfig, ZoOptimizer};
use crate::device::ReferenceDevice;
use crate::engine::{Engine, EngineError, Samples};
use crate::fed::experiment::Experiment;
use crate::fed::zo::ZoPhase;

/// What a method sets.
type Change = fn(&mut ZoConfig);

/// The methods of an entry, in the order of its names.
const METHODS: [Change; 6] = [
    |_| {},
    |zo| zo.seed_pool = 4096,
    |zo| zo.shared_seeds = true,
    |zo| zo.optimizer = ZoOptimizer::Momentum,
    |zo| (zo.optimizer, zo.lr) = (ZoOptimizer::Adam, crate::config::ZoRate::Fixed(1e-3)),
    |zo| zo.local_steps = 4,
];

/// Names of the rounds of the digits MLP.
pub const MLP: [&str; 6] =
    ["mlp-zo-plain", "mlp-zo-pool", "mlp-zo-shared", "mlp-zo-momentum", "mlp-zo-adam", "mlp-zo-local"];

/// Names of the rounds of the small CNN.
pub const CNN: [&str; 6] =
    ["cnn-zo-plain", "cnn-zo-pool", "cnn-zo-shared", "cnn-zo-momentum", "cnn-zo-adam", "cnn-zo-local"];

/// The digits MLP. The clients' 72 samples (or `batch`) are cut into four steps, of 18 each, so that local steps make as many passes.
pub fn mlp(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (2, 8) } else { (options.clients, options.batch.unwrap_or(72)) };
    methods(engine, &MLP, images, &|images| problem::mlp(clients, images))
}

/// The small CNN, with clients of the paper's size: 1,000 images each, or `batch`.
pub fn cnn(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (1, 4) } else { (CNN_CLIENTS, options.batch.unwrap_or(1000)) };
    methods(engine, &CNN, images, &|images| problem::cnn(clients, images))
}

/// Clients of the rounds of the CNN.
const CNN_CLIENTS: u32 = 4;

/// Images of a client in what is compared with the twins, at most: those of large clients would take them minutes.
const CHECKED: u32 = 72;

/// Rounds of clients with so many images each, by each method.
fn methods(
    engine: &mut Engine,
    names: &[&'static str; 6],
    images: u32,
    problem: &dyn Fn(u32) -> Result<Experiment, BenchError>,
) -> Result<Prepared, BenchError> {
    let experiment = problem(images)?;
    engine.replace_model(experiment.graph.clone(), &experiment.initial)?;
    let samples = Rc::new(engine.upload(&experiment.train_set())?);
    let buffers = samples.buffers().collect();
    let (probes, clients) = (experiment.config.zo.probes, &experiment.split.clients);
    let passes = clients.len() as f64 * f64::from(images) * 2.0 * f64::from(probes);
    let work = passes * experiment.graph.flops_forward() as f64;
    let shape = format!("{} clients x {probes} probes x {images} images", clients.len());
    let mut workloads = Vec::new();
    for (&name, change) in names.iter().zip(METHODS) {
        let with = |images| {
            let mut setting = problem(images)?;
            change(&mut setting.config.zo);
            Ok::<_, BenchError>(setting)
        };
        let check = check(with(images.min(CHECKED))?, Rc::clone(&samples));
        let setting = with(images)?;
        let (samples, mut round) = (Rc::clone(&samples), setting.config.warmup.rounds);
        let mut phase = ZoPhase::new(&setting);
        let step = move |engine: &mut Engine| {
            round += 1;
            phase.round(engine, &setting, &samples, round).map(drop)
        };
        let (shape, timed, bound) = (shape.clone(), Timed::Round(Box::new(step)), Some((Ceiling::Madd, work)));
        workloads.push(Workload { name, shape, work, unit: Unit::Flops, bound, timed, check });
    }
    Ok(Prepared { workloads, buffers })
}

/// The step of a round agrees with the twins': of one that carries f32 through a finite difference at epsilon 1e-4, to a hundredth.
fn check(experiment: Experiment, samples: Rc<Samples>) -> Check {
    Box::new(move |engine| {
        let experiment = &experiment;
        let mut twin =
            Engine::new(Box::new(ReferenceDevice::new(None)), experiment.graph.clone(), &experiment.initial)?;
        let twin_samples = twin.upload(&experiment.train_set())?;
        let first = experiment.config.warmup.rounds;
        let step = |engine: &mut Engine, samples: &Samples| {
            engine.set_weights(&experiment.initial)?;
            let round = ZoPhase::new(experiment).round(engine, experiment, samples, first)?;
            let numbers: Vec<f32> = round.ledger.probes.iter().map(|p| p.dl.unwrap_or(f32::NAN)).collect();
            Ok::<_, EngineError>(numbers)
        };
        let (ours, expected) = (step(engine, &samples)?, step(&mut twin, &twin_samples)?);
        let error = crate::selftest::relative(bytemuck::cast_slice(&ours), bytemuck::cast_slice(&expected));
        // Also false for NaN.
        let fits = error <= 1e-2;
        Ok(if fits {
            Ok(())
        } else {
            Err(format!("its differences have a relative error of {error:.2e}, at most 1e-2"))
        })
    })
}
