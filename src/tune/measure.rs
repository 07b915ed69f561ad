//! Checking and timing the ways of a model's products on a device.

use std::time::{Duration, Instant};

use super::Ways;
use super::buffers::{Buffers, Lengths};
use super::candidates::{candidates, first_of_each};
use super::clock;
use super::fits::Scope;
use super::problem::{needed, size};
use super::trial::Trial;
use super::tried::Measured;
use crate::caps::{AdapterInfo, AdapterKind, Layout};
use crate::device::{Device, DeviceError};
use crate::kernels::tiling::Tiling;
use crate::layers::{Pass, Sizes, kind};
use crate::model::Graph;
use crate::recording::Recording;

/// What is told while it goes on: the pass that comes next, how many steps are done and how many there are; most passes come twice.
pub type Watch<'a> = &'a mut dyn FnMut(Sizes, Pass, usize, usize);

/// Checks and times the ways of passes of products, each by itself, that `info` admits: the device's, or less of it ([`super::offered`]).
///
/// Compiling takes longer than what it is for, so the likely ways come first, one of each scheme, and other tiles of a scheme only where that one
/// wasn't far behind and the product takes some time of the model's, what takes most first, for some seconds. A perturbed product is the plain one with signs: ways that were far behind there aren't tried, unless all are. Each time
/// all pipelines are compiled before the first is timed, by all cores.
///
/// # Errors
/// Of the device.
pub fn measure(
    device: &mut dyn Device,
    info: &AdapterInfo,
    passes: &[(Sizes, Pass)],
    scope: Scope,
    watch: Watch<'_>,
) -> Result<Vec<Measured>, DeviceError> {
    let (operations, bytes) = extent(device, scope);
    let lanes = |(sizes, pass): (Sizes, Pass)| size(sizes, pass, operations, bytes);
    let lengths = passes.iter().map(|&of| needed(of.0, of.1, lanes(of))).fold(Lengths::default(), Lengths::most);
    let buffers = Buffers::new(device, &lengths)?;
    let tiling = Tiling::of(device.info());
    let trial = |&of: &(Sizes, Pass)| {
        let ways = candidates(of, info, device.limits(), scope);
        Trial::new(&buffers, tiling, of, info.layout, lanes(of), ways)
    };
    let trials = passes.iter().map(trial).collect();
    let mut course = Course { device, buffers, trials, watch, start: Instant::now(), done: 0, steps: 0 };
    let result = course.run(scope);
    let Course { device, trials, .. } = course;
    buffers.release(device);
    result?;
    Ok(trials.into_iter().map(Trial::measured).collect())
}

/// What takes less than this share of the time of a model's products of its pass is computed with the likely tile.
const LITTLE: f64 = 0.02;

/// A measurement on its way.
struct Course<'a> {
    device: &'a mut dyn Device,
    buffers: Buffers,
    trials: Vec<Trial>,
    watch: Watch<'a>,
    start: Instant,
    done: usize,
    steps: usize,
}

impl Course<'_> {
    fn run(&mut self, scope: Scope) -> Result<(), DeviceError> {
        let few = scope == Scope::Few;
        // What takes so many times as long as the fastest is not followed up: a scheme, and a way in the perturbed product.
        let (of_scheme, of_plain) = if few { (2.0, 1.2) } else { (4.0, f64::INFINITY) };
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for (i, trial) in self.trials.iter().enumerate() {
            let plain = (trial.of.0, Pass::Forward);
            let plain = self.trials.iter().position(|other| trial.of.1 == Pass::Perturbed && other.of == plain);
            match plain.filter(|_| few) {
                Some(plain) => later.push((i, plain)),
                None => now.push(i),
            }
        }
        self.steps = 2 * now.len() + later.len();
        for &i in &now {
            let ways = first_of_each(&self.trials[i].ways);
            self.trials[i].enter(ways);
        }
        self.stage(&now, false)?;
        // What takes most of the time is followed up first.
        let mut shares: Vec<(f64, usize)> = self.shares(&now).into_iter().zip(now).collect();
        shares.sort_by(|a, b| b.0.total_cmp(&a.0));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut group = Vec::new();
        for (share, i) in shares {
            let time_left = !few || self.start.elapsed() < self.patience();
            if time_left && (!few || share > LITTLE) {
                let ways = self.trials[i].worth_following(of_scheme);
                self.trials[i].enter(ways);
            }
            group.push(i);
            // Enough for all cores.
            if group.iter().map(|&i| self.trials[i].pending()).sum::<usize>() >= 4 * cores {
                self.stage(&group, true)?;
                group.clear();
            }
        }
        self.stage(&group, true)?;
        for &(i, plain) in &later {
            let ways = self.trials[plain].near(of_plain);
            self.trials[i].enter(ways);
        }
        let later: Vec<usize> = later.into_iter().map(|(i, _)| i).collect();
        self.stage(&later, true)
    }

    /// How long tiles are followed up in the usual scope.
    fn patience(&self) -> Duration {
        Duration::from_secs(if self.device.info().kind.is_software() { 10 } else { 5 })
    }

    /// Shares of the trials in the time that a sample takes in all those of the same pass.
    fn shares(&self, which: &[usize]) -> Vec<f64> {
        let of = |i: &usize| (self.trials[*i].of.1, self.trials[*i].a_sample());
        let all: Vec<(Pass, f64)> = which.iter().map(of).collect();
        let total =
            |pass: Pass| all.iter().filter(|(other, _)| *other == pass).map(|(_, seconds)| seconds).sum::<f64>();
        all.iter().map(|(pass, seconds)| seconds / total(*pass)).collect()
    }

    /// Checks and times the ways that have entered; where they are the last ones, those that were near the fastest once more.
    fn stage(&mut self, which: &[usize], last: bool) -> Result<(), DeviceError> {
        if which.is_empty() {
            return Ok(());
        }
        let all: Vec<&Recording> = which.iter().flat_map(|&i| self.trials[i].recordings()).collect();
        self.device.prepare(&all)?;
        clock::warm(self.device, self.buffers.x)?;
        for &i in which {
            let trial = &mut self.trials[i];
            (self.watch)(trial.of.0, trial.of.1, self.done, self.steps);
            trial.run(self.device, last)?;
            self.done += 1;
        }
        Ok(())
    }
}

/// Seconds of a sample in all passes of a model's products, each in its fastest way.
pub fn a_sample(measured: &[Measured], graph: &Graph) -> f64 {
    let one =
        |of: &Measured| of.best()?.seconds.map(|seconds| seconds / (f64::from(of.lanes.0) * f64::from(of.lanes.1)));
    let products = graph.nodes.iter().filter_map(|node| kind(&node.layer).product());
    products.map(|sizes| measured.iter().filter(|of| of.sizes == sizes).filter_map(one).sum::<f64>()).sum()
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
    let kind = device.info().kind;
    let operations = match (kind.is_software(), scope) {
        // Its times say nothing.
        (true, _) if kind == AdapterKind::Reference => 1_000_000,
        (true, Scope::Few) => 50_000_000,
        (true, Scope::All) => 200_000_000,
        // A large card is full only of what takes it a millisecond or more.
        (false, _) => 100_000_000_000,
    };
    (operations, device.limits().binding.min(device.limits().memory / 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;
    use crate::kernels::way::Way;
    use crate::tune::Tried;
    use crate::tune::products;
    use crate::tune::testing::cnn;

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
        let graph = cnn(10, [3, 16], 20);
        let mut device = ReferenceDevice::new(None);
        let info = AdapterInfo { layout: Layout::ChannelsLast, ..device.info().clone() };
        let (mut seen, mut steps) = (0, 0);
        let watch: Watch<'_> = &mut |_, _, done, all| {
            assert_eq!(done, seen);
            (seen, steps) = (seen + 1, all);
        };
        let measured = measure(&mut device, &info, &products(&graph), Scope::Few, watch).unwrap();
        // Of 16 passes 4 are of perturbed products, which come once.
        assert_eq!((measured.len(), seen, steps), (16, 28, 28));
        for of in &measured {
            assert!(!of.tried.is_empty(), "{} {}", of.sizes, of.pass.name());
            assert!(of.tried.iter().all(|tried| tried.passed), "{of:?}");
        }
    }
}
