//! Local steps of zeroth-order clients against plain rounds of as many forward passes.

use std::rc::Rc;

use super::problem;
use super::runner::{Check, Prepared, Timed, Workload};
use super::{BenchError, Ceiling, Options, Unit};
use crate::engine::{Engine, EngineError, LocalClient, LocalStep, LocalUpdate, ProbeClient, Samples, Update};
use crate::fed::experiment::Experiment;
use crate::fed::zo;
use crate::rule::{Coefficients, quantise};

/// Local steps of a round.
const STEPS: usize = 4;

/// The digits MLP: plain rounds of a step's samples each, and as many local steps.
pub fn mlp(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (2, 8) } else { (options.clients, 72) };
    let experiment = problem::mlp(clients, images)?;
    engine.replace_model(experiment.graph.clone(), &experiment.initial)?;
    let samples = engine.upload(&experiment.train_set())?;
    let buffers = samples.buffers().collect();
    let probes = experiment.config.zo.probes;
    let work = f64::from(clients * images) * 2.0 * f64::from(probes) * experiment.graph.flops_forward() as f64;
    let shape = format!("{STEPS} x {clients} clients x {probes} probes x {} images", images as usize / STEPS);
    let setting = Rc::new(Setting { experiment, samples });
    let workload = |name, round: fn(&Setting, &mut Engine, u64) -> Result<(), EngineError>| {
        let check = check(Rc::clone(&setting));
        let (setting, mut count) = (Rc::clone(&setting), 0);
        let step = move |engine: &mut Engine| {
            count += 1;
            round(&setting, engine, count)
        };
        let (shape, timed, bound) = (shape.clone(), Timed::Round(Box::new(step)), Some((Ceiling::Madd, work)));
        Workload { name, shape, work, unit: Unit::Flops, bound, timed, check }
    };
    let workloads = vec![workload("mlp-plain-rounds", plain), workload("mlp-local-steps", local)];
    Ok(Prepared { workloads, buffers })
}

struct Setting {
    experiment: Experiment,
    samples: Samples,
}

impl Setting {
    /// A client's samples in a step.
    fn part(&self, client: usize, step: usize) -> &[u32] {
        let all = &self.experiment.split.clients[client];
        let size = all.len() / STEPS;
        &all[step * size..(step + 1) * size]
    }

    fn seeds(&self, round: u64, step: usize) -> Vec<Vec<u64>> {
        let probes = self.experiment.config.zo.probes as usize;
        let of = |c: usize| (0..probes).map(|p| round << 32 | ((c * STEPS + step) * probes + p) as u64).collect();
        (0..self.experiment.split.clients.len()).map(of).collect()
    }

    /// The integers of differences that share a weight, at a rate of 0.05.
    fn numbers(&self, dl: impl ExactSizeIterator<Item = f32>) -> Coefficients {
        let zo = &self.experiment.config.zo;
        let factor = -0.05 / dl.len().max(1) as f64 / (2.0 * zo.epsilon) * zo.tau * zo.distribution.scale();
        let a: Vec<f64> = dl.map(|dl| factor * f64::from(dl)).collect();
        quantise(&a, zo.distribution.max_abs())
    }

    fn update(
        &self,
        engine: &mut Engine,
        seeds: &[u64],
        dl: impl ExactSizeIterator<Item = f32>,
    ) -> Result<(), EngineError> {
        let Coefficients { q, scale_exp, .. } = self.numbers(dl);
        let update = Update::Exact { seeds, q: &q, scale_exp };
        engine.update(self.experiment.config.zo.distribution, &update).map(drop)
    }
}

/// Rounds of a step's samples, each with its update of the shared weights.
fn plain(setting: &Setting, engine: &mut Engine, round: u64) -> Result<(), EngineError> {
    for step in 0..STEPS {
        let seeds = setting.seeds(round, step);
        let client = |(c, seeds)| ProbeClient { indices: setting.part(c, step), seeds };
        let clients: Vec<ProbeClient<'_>> = seeds.iter().map(Vec::as_slice).enumerate().map(client).collect();
        let results = engine.probe(&setting.samples, &clients, &zo::settings(&setting.experiment))?;
        setting.update(engine, &seeds.concat(), results.iter().map(|r| r.dl))?;
    }
    Ok(())
}

/// The same samples in local steps, and one update of the shared weights by all of them.
fn local(setting: &Setting, engine: &mut Engine, round: u64) -> Result<(), EngineError> {
    let seeds: Vec<Vec<Vec<u64>>> = (0..STEPS).map(|step| setting.seeds(round, step)).collect();
    let client = |c: usize| {
        let step = |step: usize| ProbeClient { indices: setting.part(c, step), seeds: &seeds[step][c] };
        LocalClient { steps: (0..STEPS).map(step).collect() }
    };
    let clients: Vec<LocalClient<'_>> = (0..setting.experiment.split.clients.len()).map(client).collect();
    let mut moved = |step: &LocalStep<'_>| {
        let Coefficients { q, scale_exp, skipped } = setting.numbers(step.results.iter().map(|r| r.dl));
        if skipped { LocalUpdate::None } else { LocalUpdate::Exact { q, scale_exp } }
    };
    let settings = zo::settings(&setting.experiment);
    let results = engine.probe_local(&setting.samples, &clients, &settings, &mut moved)?;
    let dl: Vec<f32> = results.iter().flatten().flatten().map(|r| r.dl).collect();
    let all: Vec<u64> = clients.iter().flat_map(|c| c.steps.iter().flat_map(|s| s.seeds)).copied().collect();
    setting.update(engine, &all, dl.into_iter())
}

/// The first step of a round of local steps is a plain probe of the shared weights, and later ones aren't.
fn check(setting: Rc<Setting>) -> Check {
    Box::new(move |engine| {
        let settings = zo::settings(&setting.experiment);
        let part = setting.part(0, 0);
        let step = ProbeClient { indices: part, seeds: &[1, 2, 3] };
        let plain = engine.probe(&setting.samples, &[step], &settings)?;
        let mut moved =
            |step: &LocalStep<'_>| LocalUpdate::Exact { q: vec![1 << 20; step.results.len()], scale_exp: 23 };
        let client = LocalClient { steps: vec![step, step] };
        let local = engine.probe_local(&setting.samples, &[client], &settings, &mut moved)?;
        let right = matches!(&local[..], [steps] if matches!(&steps[..], [first, second] if *first == plain && *second != plain));
        Ok(if right { Ok(()) } else { Err("the first step isn't that of the shared weights".to_owned()) })
    })
}
