//! Checking, warming up and timing a workload.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{BenchError, Ceiling, Ceilings, Options, Selected};
use crate::device::{Device, DeviceError};
use crate::engine::{Engine, EngineError};
use crate::recording::{BufferId, Recording};

/// How often a workload runs.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// Runs before any is timed.
    pub warm_up: u32,
    /// Timed runs, at least; of workloads that take long, three or as many as four times `seconds` hold.
    pub least: u32,
    /// Timed runs, at most.
    pub most: u32,
    /// Between these bounds: until this many seconds are spent.
    pub seconds: f64,
}

/// How often over `seconds` a workload may take for its least runs.
const PATIENCE: f64 = 4.0;

/// Timed runs of a workload, however long it takes.
const FEW: u32 = 3;

impl Default for Repeats {
    fn default() -> Self {
        Self { warm_up: 3, least: 15, most: 100, seconds: 1.0 }
    }
}

impl Repeats {
    /// A few, for a rate that is only a measure for others.
    pub fn few() -> Self {
        Self { warm_up: 1, least: 3, most: 3, seconds: 0.0 }
    }
}

/// The unit of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Memory traffic.
    #[serde(rename = "GB/s")]
    Bytes,
    /// Floating-point operations.
    #[serde(rename = "GFLOP/s")]
    Flops,
    /// Weights times seeds of a replay.
    #[serde(rename = "G seed-weights/s")]
    SeedWeights,
}

/// Compares a workload's result with what it must be; the text of an error says where it differs.
pub type Check = Box<dyn FnOnce(&mut Engine) -> Result<Result<(), String>, EngineError>>;
/// Runs a workload that is more than one recording.
pub type Step = Box<dyn FnMut(&mut Engine) -> Result<(), EngineError>>;

/// What bounds `work` operations of the products of an engine's model: multiply-adds, or cooperative matrices, three times over where operands
/// are the sum of two f16.
pub fn bound_of(engine: &Engine, work: f64) -> Option<(Ceiling, f64)> {
    let ways = engine.ways();
    Some(match (ways.are_f32(&crate::layers::Pass::ALL), ways.are_split()) {
        (true, _) => (Ceiling::Madd, work),
        (false, false) => (Ceiling::Matrix, work),
        (false, true) => (Ceiling::Matrix, 3.0 * work),
    })
}

/// What is timed.
pub enum Timed {
    /// A recording, by the device's clock where it has one.
    Recording(Recording),
    /// Host and device together, by wall time: a whole round.
    Round(Step),
}

impl Timed {
    /// Runs it once; the seconds it took.
    pub fn once(&mut self, engine: &mut Engine) -> Result<f64, BenchError> {
        match self {
            Timed::Recording(rec) => Ok(engine.device_mut().time(rec)?),
            Timed::Round(step) => {
                let start = Instant::now();
                step(engine)?;
                Ok(start.elapsed().as_secs_f64())
            }
        }
    }

    fn clock(&self, engine: &Engine) -> &'static str {
        let device = matches!(self, Timed::Recording(_)) && engine.device().has_timestamps();
        if device { "device" } else { "wall" }
    }
}

/// A benchmark made ready on a device.
pub struct Workload {
    /// Name on the command line and in the results.
    pub name: &'static str,
    /// Sizes, for people.
    pub shape: String,
    /// What one run does, in `unit` without its factor of 1e9 (bytes, operations, ...).
    pub work: f64,
    /// Unit.
    pub unit: Unit,
    /// The rate that bounds it, and what one run takes of it, in bytes or operations.
    pub bound: Option<(Ceiling, f64)>,
    /// What runs.
    pub timed: Timed,
    /// What it must give; runs before anything is timed.
    pub check: Check,
}

/// An entry's workloads, made ready.
pub struct Prepared {
    /// In the order of the entry's names.
    pub workloads: Vec<Workload>,
    /// Buffers to give back afterwards.
    pub buffers: Vec<BufferId>,
}

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

/// The median time of a recording.
pub fn median_seconds(device: &mut dyn Device, rec: &Recording, repeats: &Repeats) -> Result<f64, DeviceError> {
    let times = in_turn(1, repeats, |_| device.time(rec))?;
    Ok(times.first().map_or(f64::NAN, |times| median(times)))
}

/// Times `count` workloads in turn, so that whatever else the machine does falls on all of them alike.
pub fn in_turn<E>(
    count: usize,
    repeats: &Repeats,
    mut once: impl FnMut(usize) -> Result<f64, E>,
) -> Result<Vec<Vec<f64>>, E> {
    let start = Instant::now();
    let spent = |start: Instant| start.elapsed().as_secs_f64() / count.max(1) as f64;
    for round in 0..repeats.warm_up {
        // What takes long is warm after one run.
        if round > 0 && spent(start) > repeats.seconds {
            break;
        }
        for i in 0..count {
            once(i)?;
        }
    }
    let mut times = vec![Vec::new(); count];
    let (least, most) = (repeats.least.max(1), repeats.most);
    let start = Instant::now();
    let mut rounds = 0;
    while (rounds < least && (rounds < FEW || spent(start) < PATIENCE * repeats.seconds))
        || (rounds < most && spent(start) < repeats.seconds)
    {
        for (i, times) in times.iter_mut().enumerate() {
            times.push(once(i)?);
        }
        rounds += 1;
    }
    Ok(times)
}

/// The middle of the times, or the mean of the two in the middle.
pub fn median(times: &[f64]) -> f64 {
    quantile(times, 0.5)
}

/// The time that a share of the runs stays below, between neighbours by distance.
fn quantile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |i: usize| sorted.get(i).copied().unwrap_or_default();
    let (low, high) = (at(place.floor() as usize), at(place.ceil() as usize));
    // A clock may be too coarse for a tiny workload.
    (low + (high - low) * place.fract()).max(1e-9)
}

/// The standard deviation of the runs; of a single one 0.
fn deviation(times: &[f64]) -> f64 {
    let n = times.len() as f64;
    let mean = times.iter().sum::<f64>() / n;
    let squares: f64 = times.iter().map(|t| (t - mean).powi(2)).sum();
    if times.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[3.0, 1.0, 2.0, 8.0]), 2.5);
    }

    #[test]
    fn spread_of_runs() {
        let times = [1.0, 2.0, 3.0, 4.0, 10.0];
        assert_eq!((quantile(&times, 0.25), quantile(&times, 0.75)), (2.0, 4.0));
        // Mean 4, squares 9 + 4 + 1 + 0 + 36 = 50, of four.
        assert_eq!(deviation(&times), 12.5f64.sqrt());
        assert_eq!(deviation(&[2.0]), 0.0);
    }

    #[test]
    fn what_takes_long_runs_three_times() {
        let repeats = Repeats { warm_up: 3, least: 15, most: 100, seconds: 0.001 };
        let mut runs = 0;
        let times = in_turn(1, &repeats, |_| {
            runs += 1;
            std::thread::sleep(std::time::Duration::from_millis(5));
            Ok::<_, ()>(0.005)
        });
        assert_eq!((times.unwrap()[0].len(), runs), (3, 4));
    }

    #[test]
    fn workloads_take_turns() {
        let repeats = Repeats { warm_up: 1, least: 2, most: 2, seconds: 0.0 };
        let mut order = Vec::new();
        let times = in_turn(2, &repeats, |i| {
            order.push(i);
            Ok::<_, ()>(order.len() as f64)
        });
        assert_eq!(order, [0, 1, 0, 1, 0, 1]);
        assert_eq!(times, Ok(vec![vec![3.0, 5.0], vec![4.0, 6.0]]));
    }
}
