//! Checking and timing the ways of a model's products on a device.

use super::Ways;
use super::candidates::{Scope, candidates};
use super::problem::{Problem, size};
use crate::caps::Layout;
use crate::device::{Device, DeviceError, as_f32};
use crate::kernels::lib::matrix::matrix_tolerance;
use crate::kernels::way::Way;
use crate::layers::{Pass, Sizes};
use crate::recording::Recording;

/// A way of a pass, tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The way.
    pub way: Way,
    /// Relative error against the sum by shuffles, in the L2 norm.
    pub error: f64,
    /// Whether that is within what the order of a sum may make.
    pub passed: bool,
    /// Seconds of the pass; none where it failed the check or could not be run.
    pub seconds: Option<f64>,
}

/// The ways of a pass of a product.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The product.
    pub sizes: Sizes,
    /// The pass.
    pub pass: Pass,
    /// Lanes, and samples of each.
    pub lanes: (u32, u32),
    /// Operations of what was timed.
    pub operations: u64,
    /// The ways in the order tried.
    pub tried: Vec<Tried>,
}

impl Measured {
    /// The fastest way that passed.
    pub fn best(&self) -> Option<&Tried> {
        let passed = self.tried.iter().filter(|tried| tried.passed);
        passed
            .filter(|tried| tried.seconds.is_some())
            .min_by(|a, b| a.seconds.partial_cmp(&b.seconds).unwrap_or(std::cmp::Ordering::Equal))
    }
}

/// What is told while it goes on: the pass that comes next, how many are done and how many there are. False stops it.
pub type Watch<'a> = &'a mut dyn FnMut(Sizes, Pass, usize, usize) -> bool;

/// Checks and times the ways of passes of products in a layout, each by itself. All pipelines are made before the first is timed, by all cores.
///
/// # Errors
/// Of the device.
pub fn measure(
    device: &mut dyn Device,
    passes: &[(Sizes, Pass)],
    layout: Layout,
    scope: Scope,
    watch: Watch<'_>,
) -> Result<Vec<Measured>, DeviceError> {
    let mut all = Vec::new();
    for &of in passes {
        let trial = Trial::new(device, of, layout, scope)?;
        all.extend(trial.timed);
        for problem in [trial.small, trial.large] {
            problem.release(device);
        }
    }
    // Pipelines depend on the launches alone, not on the buffers, which are gone.
    device.prepare(&all.iter().collect::<Vec<_>>())?;
    drop(all);
    let mut measured = Vec::new();
    for (done, &(sizes, pass)) in passes.iter().enumerate() {
        if !watch(sizes, pass, done, passes.len()) {
            break;
        }
        measured.push(measure_one(device, (sizes, pass), layout, scope)?);
    }
    Ok(measured)
}

/// The ways that are fastest for each pass.
pub fn fastest(measured: &[Measured], layout: Layout) -> Ways {
    let mut ways = Ways::by_shuffles(layout);
    for of in measured {
        if let Some(best) = of.best() {
            ways.choose(of.sizes, of.pass, best.way);
        }
    }
    ways
}

/// Operations that are timed, and bytes of activations, about.
fn extent(device: &dyn Device, scope: Scope) -> (u64, u64) {
    let software = device.info().kind.is_software();
    let operations = match (software, scope) {
        (true, Scope::Few) => 50_000_000,
        (true, Scope::All) => 200_000_000,
        // A large card is full only of what takes it a millisecond or more.
        (false, _) => 100_000_000_000,
    };
    (operations, device.limits().binding.min(device.limits().memory / 8))
}

/// The ways of a pass, recorded on values of their own.
struct Trial {
    ways: Vec<Way>,
    /// Of a few samples, whose results are compared; their sizes divide no tile.
    small: Problem,
    large: Problem,
    checks: Vec<Recording>,
    timed: Vec<Recording>,
}

impl Trial {
    fn new(device: &mut dyn Device, of: (Sizes, Pass), layout: Layout, scope: Scope) -> Result<Self, DeviceError> {
        let ways = candidates(of, layout, device.info(), device.limits(), scope);
        let (operations, bytes) = extent(device, scope);
        let lanes = size(of.0, of.1, operations, bytes);
        let small = Problem::new(device, of, layout, (lanes.0, lanes.1.min(3)))?;
        let large = Problem::new(device, of, layout, lanes)?;
        let (mut checks, timed) = (small.recordings(&ways), large.recordings(&ways));
        checks.iter_mut().for_each(|rec| rec.read_back(small.result()));
        Ok(Self { ways, small, large, checks, timed })
    }
}

fn measure_one(
    device: &mut dyn Device,
    of: (Sizes, Pass),
    layout: Layout,
    scope: Scope,
) -> Result<Measured, DeviceError> {
    let Trial { ways, small, large, checks, timed } = Trial::new(device, of, layout, scope)?;
    device.prepare(&checks.iter().chain(&timed).collect::<Vec<_>>())?;
    // What two orders of a sum of n terms of both signs differ by, with room: the error of a term grows with the square root at random.
    let tolerance = 8.0 * (small.terms() as f64).sqrt() * f64::from(f32::EPSILON) + 1e-6;
    let mut expected: Option<Vec<f32>> = None;
    let mut tried = Vec::new();
    for ((way, check), rec) in ways.iter().zip(&checks).zip(&timed) {
        let result = device.run(check)?.first().map(|bytes| as_f32(bytes)).unwrap_or_default();
        let error = expected.as_ref().map_or(0.0, |expected| relative(&result, expected));
        let passed = error <= of_operands(*way, tolerance) && !result.is_empty();
        expected.get_or_insert(result);
        let seconds = if passed { Some(time(device, rec)?) } else { None };
        tried.push(Tried { way: *way, error, passed, seconds });
    }
    let (operations, lanes) = (large.cost(), large.lanes());
    small.release(device);
    large.release(device);
    Ok(Measured { sizes: of.0, pass: of.1, lanes, operations, tried })
}

/// What a way's operands add to the tolerance of sums: an f16 is within 2^-11 of its value, the sum of two of them within 2^-23; sums of
/// matrices are cut off instead of rounded.
fn of_operands(way: Way, tolerance: f64) -> f64 {
    match way {
        Way::Shuffle | Way::Block(_) | Way::Heads(_) => tolerance,
        Way::Matrix(matrix) => {
            matrix_tolerance(&matrix, None, tolerance) + if matrix.split { 0.0 } else { 2f64.powi(-10) }
        }
    }
}

/// How long a run is timed at least, in seconds: a card that has waited is slow at first.
const LEAST: f64 = 0.004;

/// Seconds of a recording: the least of a few runs of as many repetitions as take a while, the first of which isn't counted.
fn time(device: &mut dyn Device, rec: &Recording) -> Result<f64, DeviceError> {
    let first = device.time(rec)?;
    let repetitions = (LEAST / first.max(1e-7)).clamp(1.0, 1000.0) as u32;
    let mut all = Recording::new();
    (0..repetitions).for_each(|_| all.append(rec.clone()));
    // Long ones need no second run.
    let runs = if first > 0.05 { 1 } else { 3 };
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        least = least.min(device.time(&all)?);
    }
    Ok(least / f64::from(repetitions))
}

/// |a - b| / |b|; infinite where something isn't a number.
fn relative(a: &[f32], b: &[f32]) -> f64 {
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let size: f64 = b.iter().map(|b| square(f64::from(*b))).sum();
    let error = (difference / size.max(f64::MIN_POSITIVE)).sqrt();
    if error.is_finite() && a.len() == b.len() { error } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;
    use crate::model::ModelSpec;
    use crate::tune::products;
    use serde_json::json;

    #[test]
    fn the_fastest_way_that_passed_wins() {
        let tried = |way: &str, passed, seconds| Tried { way: way.parse().unwrap(), error: 0.0, passed, seconds };
        let sizes = Sizes::Linear { inputs: 3, outputs: 5, rows: 1 };
        let mut of = Measured { sizes, pass: Pass::Forward, lanes: (1, 1), operations: 30, tried: Vec::new() };
        assert!(of.best().is_none());
        of.tried = vec![
            tried("shuffle", true, Some(3.0)),
            tried("block 64x64x16 8x8", false, None),
            tried("block 64x64x8 8x8", true, Some(2.0)),
        ];
        assert_eq!(of.best().map(|best| best.way.to_string()).as_deref(), Some("block 64x64x8 8x8"));
        let ways = fastest(&[of], Layout::ChannelsFirst);
        assert_eq!(ways.of(sizes, Pass::Forward).to_string(), "block 64x64x8 8x8");
        assert_eq!(ways.of(sizes, Pass::Input), Way::Shuffle);
    }

    #[test]
    fn every_candidate_of_every_pass_computes_the_same() {
        let model = json!({"kind": "cnn", "input": [1, 10, 10], "channels": [3, 16], "hidden": 20, "classes": 10});
        let graph = ModelSpec::from_json(&model).unwrap().graph().unwrap();
        let mut device = ReferenceDevice::new(None);
        let mut seen = 0;
        let watch: Watch<'_> = &mut |_, _, _, _| {
            seen += 1;
            true
        };
        let measured = measure(&mut device, &products(&graph), Layout::ChannelsLast, Scope::Few, watch).unwrap();
        assert_eq!((measured.len(), seen), (16, 16));
        for of in &measured {
            assert!(of.tried.len() > 1, "{} {}", of.sizes, of.pass.name());
            assert!(of.tried.iter().all(|tried| tried.passed), "{of:?}");
        }
    }
}
