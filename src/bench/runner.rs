//! Checking, warming up and timing workloads.

use serde::{Deserialize, Serialize};

use super::times::{deviation, in_turn, median, quantile};
use super::{BenchError, Ceiling, Ceilings, Check, Options, Prepared, Repeats, Selected, Timed, Unit, Workload};
use crate::engine::Engine;

/// A time beside that of the entry's first workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Against {
    /// The other workload.
    pub name: String,
    /// Median, over pairs of runs that followed each other, of this time divided by the other's.
    pub ratio: f64,
}

/// A row of the results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The workload.
    pub name: String,
    /// Sizes.
    pub shape: String,
    /// Median of the runs.
    pub seconds: f64,
    /// The fastest run.
    pub min_seconds: f64,
    /// Standard deviation of the runs.
    #[serde(default)]
    pub deviation_seconds: f64,
    /// Half of the runs took a time between these two.
    #[serde(default)]
    pub quartiles: [f64; 2],
    /// Timed runs.
    pub runs: usize,
    /// Work a second at the median, in 1e9 of the unit.
    pub rate: f64,
    /// Its unit.
    pub unit: Unit,
    /// Share of the ceiling.
    pub of_ceiling: Option<f64>,
    /// Which ceiling.
    pub ceiling: Option<Ceiling>,
    /// `device` or `wall`.
    pub clock: String,
    /// Beside the entry's first workload, where both ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// Dispatches of a round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatches: Option<u64>,
    /// Recordings of a round: each ends in a read-back or is followed by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings: Option<u64>,
    /// Bytes in live buffers, of a round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_bytes: Option<u64>,
}

/// Prepares an entry, checks its results, warms up, times its workloads in turn and gives its buffers back.
pub fn run(
    engine: &mut Engine,
    selected: &Selected,
    options: &Options,
    ceilings: &Ceilings,
    repeats: &Repeats,
) -> Result<Vec<Outcome>, BenchError> {
    let Prepared { mut workloads, buffers } = (selected.entry.prepare)(engine, options)?;
    workloads.retain(|w| selected.names.contains(&w.name));
    let outcomes = measured(engine, workloads, ceilings, repeats);
    for id in buffers {
        engine.device_mut().destroy_buffer(id);
    }
    outcomes
}

/// Runs a workload's check.
pub fn check(engine: &mut Engine, name: &str, check: Check) -> Result<(), BenchError> {
    check(engine)?.map_err(|why| BenchError::Wrong { name: name.to_owned(), why })
}

fn measured(
    engine: &mut Engine,
    workloads: Vec<Workload>,
    ceilings: &Ceilings,
    repeats: &Repeats,
) -> Result<Vec<Outcome>, BenchError> {
    let mut rows = Vec::new();
    let mut timed = Vec::new();
    for w in workloads {
        check(engine, w.name, w.check)?;
        rows.push((w.name, w.shape, w.work, w.unit, w.bound));
        timed.push(w.timed);
    }
    let times = in_turn(timed.len(), repeats, |i| timed[i].once(engine))?;
    let mut outcomes = Vec::new();
    for (i, (name, shape, work, unit, bound)) in rows.iter().cloned().enumerate() {
        let round = matches!(timed[i], Timed::Round(_));
        engine.take_counters();
        if round {
            timed[i].once(engine)?;
        }
        let counters = engine.take_counters();
        let seconds = median(&times[i]);
        let pairs: Vec<f64> = times[i].iter().zip(&times[0]).map(|(this, first)| this / first.max(1e-9)).collect();
        outcomes.push(Outcome {
            name: name.to_owned(),
            shape,
            seconds,
            deviation_seconds: deviation(&times[i]),
            quartiles: [quantile(&times[i], 0.25), quantile(&times[i], 0.75)],
            min_seconds: times[i].iter().copied().fold(f64::INFINITY, f64::min),
            runs: times[i].len(),
            rate: work / seconds * 1e-9,
            unit,
            of_ceiling: bound.map(|(ceiling, amount)| amount / seconds / ceilings.rate(ceiling)),
            ceiling: bound.map(|(ceiling, _)| ceiling),
            clock: timed[i].clock(engine).to_owned(),
            against: (i > 0).then(|| Against { name: rows[0].0.to_owned(), ratio: median(&pairs) }),
            dispatches: round.then_some(counters.dispatches),
            recordings: round.then_some(counters.recordings),
            device_bytes: round.then(|| engine.device().allocated_bytes()),
        });
    }
    Ok(outcomes)
}
