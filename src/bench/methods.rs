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

/// A name, and what it sets.
type Method = (&'static str, fn(&mut ZoConfig));

const METHODS: [Method; 6] = [
    ("mlp-zo-plain", |_| {}),
    ("mlp-zo-pool", |zo| zo.seed_pool = 4096),
    ("mlp-zo-shared", |zo| zo.shared_seeds = true),
    ("mlp-zo-momentum", |zo| zo.optimizer = ZoOptimizer::Momentum),
    ("mlp-zo-adam", |zo| (zo.optimizer, zo.lr) = (ZoOptimizer::Adam, crate::config::ZoRate::Fixed(1e-3))),
    ("mlp-zo-local", |zo| zo.local_steps = 4),
];

/// The digits MLP. The clients' 72 samples are cut into four steps of 18, so that local steps make as many passes.
pub fn mlp(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (2, 8) } else { (options.clients, 72) };
    let experiment = problem::mlp(clients, images)?;
    engine.replace_model(experiment.graph.clone(), &experiment.initial)?;
    let samples = Rc::new(engine.upload(&experiment.train_set())?);
    let buffers = samples.buffers().collect();
    let probes = experiment.config.zo.probes;
    let work = f64::from(clients * images) * 2.0 * f64::from(probes) * experiment.graph.flops_forward() as f64;
    let shape = format!("{clients} clients x {probes} probes x {images} images");
    let mut workloads = Vec::new();
    for (name, change) in METHODS {
        let mut setting = problem::mlp(clients, images)?;
        change(&mut setting.config.zo);
        let setting = Rc::new(setting);
        let check = check(Rc::clone(&setting), Rc::clone(&samples));
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
fn check(setting: Rc<Experiment>, samples: Rc<Samples>) -> Check {
    Box::new(move |engine| {
        let experiment = &*setting;
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
