//! A workload: what runs, what it must give, and what bounds its rate.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{BenchError, Ceiling};
use crate::engine::{Engine, EngineError};
use crate::recording::{BufferId, Recording};

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

    /// The clock that tells its times.
    pub fn clock(&self, engine: &Engine) -> &'static str {
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
