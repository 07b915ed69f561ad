//! Whole rounds, as a run does them.

use std::rc::Rc;

use super::problem;
use super::workload::{Check, Prepared, Timed, Workload, bound_of};
use super::{BenchError, Options, Unit};
use crate::device::ReferenceDevice;
use crate::engine::{ClientStep, Engine, EngineError, ProbeClient, Samples, TrainClient};
use crate::fed::experiment::Experiment;
use crate::fed::warmup::Warmup;
use crate::fed::zo::{self, ZoPhase};
use crate::stream::replay::apply_exact;

/// An experiment and its samples on the device.
type Setting = Rc<(Experiment, Samples)>;

/// A ZO round of the digits MLP.
pub fn mlp_zo(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (2, 5) } else { (options.clients, 71) };
    zo_round(engine, "mlp-zo-round", problem::mlp(clients, images)?)
}

/// A ZO round of the small CNN.
pub fn cnn_zo(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (1, 2) } else { (options.clients, 16) };
    zo_round(engine, "cnn-zo-round", problem::cnn(clients, images)?)
}

/// Clients of the rounds of the paper's models, and images of each.
const LARGE_CLIENTS: u32 = 4;
const LARGE_IMAGES: u32 = 250;

fn large(options: &Options) -> (u32, u32) {
    if options.small { (2, 3) } else { (LARGE_CLIENTS, options.batch.unwrap_or(LARGE_IMAGES)) }
}

/// A ZO round of ResNet18.
pub fn resnet_zo(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = large(options);
    zo_round(engine, "resnet-zo-round", problem::resnet(clients, images, options.small)?)
}

/// A ZO round of the ViT.
pub fn vit_zo(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = large(options);
    zo_round(engine, "vit-zo-round", problem::vit(clients, images, options.small)?)
}

fn place(engine: &mut Engine, experiment: Experiment) -> Result<Setting, EngineError> {
    engine.replace_model(experiment.graph.clone(), &experiment.initial)?;
    let samples = engine.upload(&experiment.train_set())?;
    Ok(Rc::new((experiment, samples)))
}

/// Forward passes are what is counted: 2 a probe and sample.
fn zo_round(engine: &mut Engine, name: &'static str, experiment: Experiment) -> Result<Prepared, BenchError> {
    let clients = &experiment.split.clients;
    let (probes, images) = (experiment.config.zo.probes, clients.first().map_or(0, Vec::len));
    let shape = format!("{} clients x {probes} probes x {images} images", clients.len());
    let passes = clients.len() as f64 * f64::from(probes) * 2.0 * images as f64;
    let work = passes * experiment.graph.flops_forward() as f64;
    let setting = place(engine, experiment)?;
    let buffers = setting.1.buffers().collect();
    let check = check_zo(Rc::clone(&setting));
    let mut round = setting.0.config.warmup.rounds;
    let mut phase = ZoPhase::new(&setting.0);
    let step = move |engine: &mut Engine| {
        round += 1;
        phase.round(engine, &setting.0, &setting.1, round).map(drop)
    };
    Ok(whole(engine, name, shape, work, Timed::Round(Box::new(step)), check, buffers))
}

fn whole(
    engine: &Engine,
    name: &'static str,
    shape: String,
    work: f64,
    timed: Timed,
    check: Check,
    buffers: Vec<crate::recording::BufferId>,
) -> Prepared {
    let bound = bound_of(engine, work);
    Prepared { workloads: vec![Workload { name, shape, work, unit: Unit::Flops, bound, timed, check }], buffers }
}

/// Probing changes no weight, and a round's ledger replayed on the host gives the same bits.
fn check_zo(setting: Setting) -> Check {
    Box::new(move |engine| {
        let (experiment, samples) = &*setting;
        let before = engine.fingerprint()?;
        let clients: Vec<ProbeClient<'_>> =
            experiment.split.clients.iter().map(|c| ProbeClient { indices: c, seeds: &[1, 2, 3] }).collect();
        let settings = zo::settings(experiment);
        engine.probe(samples, &clients, &settings)?;
        if engine.fingerprint()? != before {
            return Ok(Err("probing changed the weights".to_owned()));
        }
        let round = ZoPhase::new(experiment).round(engine, experiment, samples, experiment.config.warmup.rounds)?;
        if round.dropped > 0 {
            return Ok(Err(format!("{} probes gave no number", round.dropped)));
        }
        let mut replayed = experiment.initial.clone();
        let seeds: Vec<u64> = round.ledger.probes.iter().map(|p| p.seed).collect();
        let q: Vec<i32> = round.ledger.probes.iter().filter_map(|p| p.q).collect();
        apply_exact(&mut replayed, settings.distribution, &seeds, &q, round.ledger.scale_exp.unwrap_or(0));
        let same = engine.weights()?.iter().zip(&replayed).all(|(a, b)| a.to_bits() == b.to_bits());
        Ok(if same { Ok(()) } else { Err("the round's replay on the host gives other bits".to_owned()) })
    })
}

/// A warm-up round of the digits MLP, all clients at once, up to 100.
pub fn warmup(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (2, 5) } else { (options.clients.min(100), 71) };
    warmup_round(engine, "warmup-round", problem::mlp(clients, images)?, check_warmup)
}

/// A warm-up round of ResNet18, one epoch.
pub fn resnet_warmup(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = large(options);
    warmup_round(engine, "resnet-warmup-round", problem::resnet(clients, images, options.small)?, check_step)
}

fn warmup_round(
    engine: &mut Engine,
    name: &'static str,
    experiment: Experiment,
    check: fn(Setting) -> Check,
) -> Result<Prepared, BenchError> {
    let (clients, images) = (experiment.split.clients.len(), experiment.split.clients.first().map_or(0, Vec::len));
    let (epochs, batch) = (experiment.config.warmup.local_epochs, experiment.config.warmup.batch);
    let shape = format!("{clients} clients x {epochs} epochs x {images} images, batch {batch}");
    // A backward pass is two products for each of the forward pass.
    let samples = clients as f64 * f64::from(epochs) * images as f64;
    let work = 3.0 * samples * experiment.graph.flops_forward() as f64;
    let setting = place(engine, experiment)?;
    let buffers = setting.1.buffers().collect();
    let check = check(Rc::clone(&setting));
    let mut round = 0;
    let step = move |engine: &mut Engine| {
        round += 1;
        Warmup::new(engine, &setting.0)?.round(engine, &setting.0, &setting.1, round).map(drop)
    };
    Ok(whole(engine, name, shape, work, Timed::Round(Box::new(step)), check, buffers))
}

/// Each client's first step alone, averaged by the host, is a round of one step of each: it would take the twins minutes. A step itself is
/// the gradient that `resnet-forward-backward` checks.
fn check_step(setting: Setting) -> Check {
    Box::new(move |engine| {
        let (experiment, samples) = &*setting;
        let step = ClientStep::plain(0.05);
        let batch = experiment.config.warmup.batch as usize;
        let moved = |engine: &mut Engine, clients: &[&Vec<u32>]| {
            engine.set_weights(&experiment.initial)?;
            let share = 1.0 / clients.len() as f32;
            let first = |indices: &&Vec<u32>| indices.iter().copied().take(batch).collect::<Vec<u32>>();
            let work: Vec<TrainClient> =
                clients.iter().map(|c| TrainClient { batches: vec![first(c)], share }).collect();
            engine.train_average(samples, &work, &step, 1.0)?;
            let pairs = engine.weights()?.into_iter().zip(&experiment.initial);
            Ok::<Vec<f32>, EngineError>(pairs.map(|(w, w0)| w - w0).collect())
        };
        let all: Vec<&Vec<u32>> = experiment.split.clients.iter().collect();
        let together = moved(engine, &all)?;
        let mut mean = vec![0.0f32; together.len()];
        for client in &all {
            let own = moved(engine, &[client])?;
            mean.iter_mut().zip(own).for_each(|(m, step)| *m += step / all.len() as f32);
        }
        engine.set_weights(&experiment.initial)?;
        let error = crate::selftest::relative(bytemuck::cast_slice(&together), bytemuck::cast_slice(&mean));
        let still = together.iter().all(|step| *step == 0.0);
        // Differences of weights near 1 that move by 1e-4 are rounded to a thousandth. Also false for NaN.
        let fits = error <= 1e-2 && !still;
        Ok(if fits {
            Ok(())
        } else {
            Err(format!("the clients' steps together differ from each alone by {error:.2e}, at most 1e-2"))
        })
    })
}

/// The step that a round takes from its first weights agrees with the twins' as gradients must: to 1e-3, and to 1e-2 where operands are of f16,
/// whose rounding (2.7e-4 of a product) each layer adds to, twice.
fn check_warmup(setting: Setting) -> Check {
    Box::new(move |engine| {
        let (experiment, samples) = &*setting;
        let device = Box::new(ReferenceDevice::new(None));
        let mut twin = Engine::new(device, experiment.graph.clone(), &experiment.initial)?;
        let twin_samples = twin.upload(&experiment.train_set())?;
        let step = |engine: &mut Engine, samples: &Samples| {
            Warmup::new(engine, experiment)?.round(engine, experiment, samples, 0)?;
            let moved = |(w, w0): (f32, &f32)| w - w0;
            Ok::<Vec<f32>, EngineError>(engine.weights()?.into_iter().zip(&experiment.initial).map(moved).collect())
        };
        let (ours, expected) = (step(engine, samples)?, step(&mut twin, &twin_samples)?);
        let error = crate::selftest::relative(bytemuck::cast_slice(&ours), bytemuck::cast_slice(&expected));
        // Also false for NaN.
        let most = if engine.ways().are_f32(&crate::layers::Pass::ALL) { 1e-3 } else { 1e-2 };
        let fits = error <= most;
        Ok(if fits {
            Ok(())
        } else {
            Err(format!("the round's step has a relative error of {error:.2e}, at most {most:.0e}"))
        })
    })
}
