//! Whether a device can do what a run will ask of it, told before its first round.

use super::counts::at_most;
use super::{
    Engine, EngineError, LocalClient, LocalStep, LocalUpdate, ProbeClient, ProbeSettings, SampleSet, Samples,
    ServerOptimizer, Update,
};
use crate::device::{Device, PlanningDevice};
use crate::model::Graph;

/// What the zeroth-order rounds of a run ask of a device.
pub struct ZoNeeds<'a> {
    /// Samples of each client of a round, in a step: of the largest that may take part.
    pub clients: &'a [usize],
    /// Probes of each of them, in a step.
    pub probes: u32,
    /// Steps of each of them; 1: none moves a copy of the weights.
    pub local_steps: u32,
    /// How they perturb.
    pub settings: ProbeSettings,
    /// What the server does with the sum of a round.
    pub optimizer: &'a ServerOptimizer,
    /// Whether a running mean of the weights is kept.
    pub averages: bool,
    /// Samples of each client whose running statistics are taken, at the pivot or in a round.
    pub statistics: &'a [usize],
}

/// Plans the largest round of a zeroth-order phase within a device's limits, beside the sets of samples that it will hold; nothing is
/// computed.
///
/// # Errors
/// What can't be cut and doesn't fit, with the config's key where there is one.
pub fn check_zo_phase(
    device: &dyn Device,
    graph: &Graph,
    sets: &[&SampleSet<'_>],
    phase: &ZoNeeds<'_>,
) -> Result<(), EngineError> {
    let of_client = u64::from(phase.probes) * u64::from(phase.local_steps.max(1));
    let total = phase.clients.len() as u64 * of_client;
    at_most(total, device.limits().binding / 16, "probes of a round, of all its clients", "zo.probes")?;
    let mut engine = Engine::planned(Box::new(PlanningDevice::like(device)), graph.clone())?;
    let mut samples = Vec::new();
    for set in sets {
        samples.push(engine.reserve(set)?);
    }
    let Some(samples) = samples.first() else { return Ok(()) };
    // Which samples and seeds they are makes no difference.
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let seeds = vec![0; phase.probes as usize];
    let of = |&n: &usize| &all[..n.min(all.len())];
    let clients: Vec<_> = phase.clients.iter().map(|n| ProbeClient { indices: of(n), seeds: &seeds }).collect();
    if phase.averages {
        engine.begin_average()?;
    }
    probe(&mut engine, samples, &clients, phase)?;
    if !phase.statistics.is_empty() {
        let indices: Vec<&[u32]> = phase.statistics.iter().map(of).collect();
        engine.batch_norm_statistics(samples, &indices)?;
    }
    let seeds = vec![0; total as usize];
    let distribution = phase.settings.distribution;
    if *phase.optimizer != ServerOptimizer::Sgd {
        engine.reset_moments(phase.optimizer)?;
        engine.accumulate(distribution, &seeds, &vec![0.0; total as usize])?;
        engine.advance(phase.optimizer, 0.0, 1)?;
    } else if distribution.is_exact() {
        engine.update(distribution, &Update::Exact { seeds: &seeds, q: &vec![0; total as usize], scale_exp: 0 })?;
    } else {
        engine.update(distribution, &Update::Float { seeds: &seeds, a: &vec![0.0; total as usize] })?;
    }
    Ok(())
}

/// The probes of a round, or of the first two of a client's steps: the others are like the second.
fn probe(
    engine: &mut Engine,
    samples: &Samples,
    clients: &[ProbeClient<'_>],
    phase: &ZoNeeds<'_>,
) -> Result<(), EngineError> {
    if phase.local_steps <= 1 {
        return engine.probe(samples, clients, &phase.settings).map(drop);
    }
    let clients: Vec<LocalClient<'_>> = clients.iter().map(|&step| LocalClient { steps: vec![step; 2] }).collect();
    let mut still = |step: &LocalStep<'_>| match phase.settings.distribution.is_exact() {
        true => LocalUpdate::Exact { q: vec![0; step.results.len()], scale_exp: 0 },
        false => LocalUpdate::Float { a: vec![0.0; step.results.len()] },
    };
    engine.probe_local(samples, &clients, &phase.settings, &mut still).map(drop)
}
