//! Running a few rounds of each phase and noting when.

use serde::Serialize;

use super::rows::{KernelRow, rows};
use crate::bench::{Ceilings, Repeats, ceilings};
use crate::device::timeline::{Clock, Host};
use crate::device::{Compiled, DeviceError, Timeline};
use crate::engine::{Engine, EngineError, Workspace};
use crate::fed::FedError;
use crate::fed::experiment::Experiment;
use crate::fed::warmup::{self, Warmup};
use crate::fed::zo::{self, ZoPhase};

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Rounds of each phase; of an evaluation one.
    pub rounds: u32,
    /// From the first round on, in which pipelines are compiled and buffers made; else a round of each phase comes before.
    pub cold: bool,
}

/// Time of a phase's rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// `warmup`, `zo` or `eval`.
    pub phase: &'static str,
    /// Rounds.
    pub rounds: u32,
    /// Seconds of all of them by the host's clock.
    pub seconds: f64,
    /// In which the device ran something.
    pub device_seconds: f64,
    /// In which pipelines were compiled.
    pub compile_seconds: f64,
    /// The rest: the device had nothing to do, or was on its way to it.
    pub host_seconds: f64,
    /// In which the host encoded and submitted, compiling left out.
    pub submit_seconds: f64,
    /// In which the host waited for results; the device may have been at work.
    pub wait_seconds: f64,
    /// Kernels launched.
    pub dispatches: u64,
    /// Recordings handed to the device.
    pub recordings: u64,
}

/// A profile.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// What the events were timed with: `device`, `passes` or `host`.
    pub clock: &'static str,
    /// Seconds of device time in the measured rounds.
    pub device_seconds: f64,
    /// Seconds of the measured rounds in which the device had nothing to do.
    pub host_seconds: f64,
    /// Seconds that pipelines took to compile, in the rounds before the measured ones, too.
    pub compile_seconds: f64,
    /// How many pipelines.
    pub pipelines: u64,
    /// The device's own rates.
    pub ceilings: Ceilings,
    /// The phases in order.
    pub phases: Vec<Phase>,
    /// Launches that were alike, by phase, what took longest first.
    pub kernels: Vec<KernelRow>,
}

/// Measures the rounds of an experiment, with the ways that the workspace has for its products. `progress` is told what comes next. Gives each phase's timeline beside the figures.
///
/// # Errors
/// What can't be run; a device that can't say when commands run.
pub fn measure(
    space: Workspace,
    experiment: &Experiment,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<(Profile, Vec<(Phase, Timeline)>), FedError> {
    let mut space = space;
    progress("the device's own rates");
    let short = Repeats { warm_up: 1, least: 3, most: 20, seconds: 0.3 };
    let ceilings = ceilings(space.device_mut(), &short)?;
    let before = space.device().compiled();
    warmup::check(experiment, space.device())?;
    zo::check(experiment, space.device())?;
    let mut engine = Engine::on(space, experiment.graph.clone(), &experiment.initial)?;
    let train = engine.upload(&experiment.train_set())?;
    let config = &experiment.config;
    let mut phases = Vec::new();
    if config.warmup.rounds > 0 {
        let server = Warmup::new(&mut engine, experiment)?;
        phases.push(phase(&mut engine, "warmup", request, request.rounds, progress, |engine, round| {
            server.round(engine, experiment, &train, round).map(drop)
        })?);
    }
    if config.zo.rounds > 0 {
        let mut server = ZoPhase::new(experiment);
        server.begin(&mut engine)?;
        phases.push(phase(&mut engine, "zo", request, request.rounds, progress, |engine, round| {
            server.round(engine, experiment, &train, config.warmup.rounds + round)?;
            server.applied(engine)
        })?);
    }
    if !experiment.data.test.is_empty() {
        let test = engine.upload(&experiment.test_set())?;
        phases.push(phase(&mut engine, "eval", request, 1, progress, |engine, _| engine.evaluate(&test).map(drop))?);
    }
    let Compiled { pipelines, seconds } = engine.device().compiled();
    let sum = |of: &dyn Fn(&Phase) -> f64| phases.iter().map(|(phase, _)| of(phase)).sum();
    let clock = phases.first().map_or(Clock::Device, |(_, timeline)| timeline.clock);
    let profile = Profile {
        clock: clock.name(),
        device_seconds: sum(&|p| p.device_seconds),
        host_seconds: sum(&|p| p.host_seconds),
        compile_seconds: seconds - before.seconds,
        pipelines: pipelines - before.pipelines,
        kernels: phases.iter().flat_map(|(p, t)| rows(p.phase, &t.events, &ceilings)).collect(),
        phases: phases.iter().map(|(phase, _)| phase.clone()).collect(),
        ceilings,
    };
    Ok((profile, phases))
}

/// Runs the rounds of a phase.
fn phase(
    engine: &mut Engine,
    name: &'static str,
    request: &Request,
    rounds: u32,
    progress: &mut dyn FnMut(&str),
    mut round: impl FnMut(&mut Engine, u32) -> Result<(), EngineError>,
) -> Result<(Phase, Timeline), FedError> {
    let before = u32::from(!request.cold);
    if before > 0 {
        progress(&format!("{name}, a round beforehand"));
        round(engine, 0)?;
    }
    engine.take_counters();
    engine.device_mut().start_timeline()?;
    for i in 0..rounds {
        progress(&format!("{name}, round {} of {rounds}", i + 1));
        round(engine, before + i)?;
    }
    let Some(timeline) = engine.device_mut().take_timeline()? else {
        return Err(DeviceError::Internal("this device can't say when commands run".to_owned()).into());
    };
    let counters = engine.take_counters();
    let host = |what: Host| timeline.host.iter().filter(|e| e.what == what).map(|e| e.seconds).sum::<f64>();
    let device_seconds: f64 = timeline.events.iter().map(|e| e.seconds).sum();
    let compile_seconds = host(Host::Compile);
    let phase = Phase {
        phase: name,
        rounds,
        seconds: timeline.seconds,
        device_seconds,
        compile_seconds,
        host_seconds: (timeline.seconds - device_seconds - compile_seconds).max(0.0),
        submit_seconds: (host(Host::Submit) - compile_seconds).max(0.0),
        wait_seconds: host(Host::Wait),
        dispatches: counters.dispatches,
        recordings: counters.recordings,
    };
    Ok((phase, timeline))
}
