//! The ways of one pass of a product, held against each other.

use super::buffers::Buffers;
use super::candidates::alike;
use super::clock;
use super::problem::Problem;
use super::tried::{Measured, Tried};
use crate::caps::Layout;
use crate::device::{Device, DeviceError, as_f32};
use crate::kernels::lib::matrix::matrix_tolerance;
use crate::kernels::tiling::Tiling;
use crate::kernels::way::Way;
use crate::layers::{Pass, Sizes};
use crate::recording::Recording;

/// A pass of a product and its ways.
pub struct Trial {
    /// The pass.
    pub of: (Sizes, Pass),
    /// The ways that there are, by shuffles first.
    pub ways: Vec<Way>,
    /// Of a few samples, whose results are compared; their sizes divide no tile.
    small: Problem,
    large: Problem,
    /// The small one by shuffles, and what it gave.
    reference: Recording,
    expected: Option<Vec<f32>>,
    entered: Vec<Entered>,
}

/// A way that is tried.
struct Entered {
    way: Way,
    check: Recording,
    timed: Recording,
    tried: Option<Tried>,
}

impl Trial {
    /// Of a pass of a product in buffers that have room for so many lanes and samples.
    pub fn new(
        buffers: &Buffers,
        tiling: Tiling,
        of: (Sizes, Pass),
        layout: Layout,
        lanes: (u32, u32),
        ways: Vec<Way>,
    ) -> Self {
        let problem = |samples| Problem::new(buffers, tiling, of, layout, (lanes.0, samples));
        let (small, large) = (problem(lanes.1.min(3)), problem(lanes.1));
        let reference = small.checked(Way::Shuffle);
        Self { of, ways, small, large, reference, expected: None, entered: Vec::new() }
    }

    /// Enters ways that are to be tried.
    pub fn enter(&mut self, ways: Vec<Way>) {
        for way in ways {
            let (check, timed) = (self.small.checked(way), self.large.recording(way));
            self.entered.push(Entered { way, check, timed, tried: None });
        }
    }

    /// How many have entered and are not tried yet.
    pub fn pending(&self) -> usize {
        self.waiting().count()
    }

    fn waiting(&self) -> impl Iterator<Item = &Entered> {
        self.entered.iter().filter(|entered| entered.tried.is_none())
    }

    /// What is going to run for the first time.
    pub fn recordings(&self) -> Vec<&Recording> {
        let mut all: Vec<&Recording> = Vec::new();
        for entered in self.waiting() {
            all.push(&entered.timed);
            if entered.way != Way::Shuffle {
                all.push(&entered.check);
            }
        }
        if self.expected.is_none() && self.waiting().any(|entered| entered.way != Way::Shuffle) {
            all.push(&self.reference);
        }
        all
    }

    /// Checks and times those that have entered since; `last`: none will follow, and those that were near the fastest are compared once more.
    ///
    /// # Errors
    /// Of the device.
    pub fn run(&mut self, device: &mut dyn Device, last: bool) -> Result<(), DeviceError> {
        if self.pending() == 0 && !last {
            return Ok(());
        }
        device.run(&self.small.fill())?;
        for i in 0..self.entered.len() {
            if self.entered[i].tried.is_none() {
                self.entered[i].tried = Some(self.check(device, i)?);
            }
        }
        device.run(&self.large.fill())?;
        let mut least = self.least();
        for entered in &mut self.entered {
            let Some(tried) = &mut entered.tried else { continue };
            if tried.passed && tried.seconds.is_none() {
                let seconds = clock::first(device, &entered.timed, least)?;
                (tried.seconds, least) = (Some(seconds), least.min(seconds));
            }
        }
        if last { self.compare(device) } else { Ok(()) }
    }

    /// Holds a way against the sum by shuffles.
    fn check(&mut self, device: &mut dyn Device, i: usize) -> Result<Tried, DeviceError> {
        let way = self.entered[i].way;
        if way == Way::Shuffle {
            return Ok(Tried { way, error: 0.0, passed: true, seconds: None });
        }
        let expected = match self.expected.take() {
            Some(expected) => expected,
            None => values(device, &self.reference)?,
        };
        let error = relative(&values(device, &self.entered[i].check)?, &expected);
        self.expected = Some(expected);
        // What two orders of a sum of n terms of both signs differ by, with room: the error of a term grows with the square root at random.
        let tolerance = 8.0 * (self.small.terms() as f64).sqrt() * f64::from(f32::EPSILON) + 1e-6;
        Ok(Tried { way, error, passed: error <= of_operands(way, tolerance), seconds: None })
    }

    fn compare(&mut self, device: &mut dyn Device) -> Result<(), DeviceError> {
        let mut timed: Vec<(&Recording, &mut f64)> = Vec::new();
        for entered in &mut self.entered {
            if let Some(seconds) = entered.tried.as_mut().and_then(|tried| tried.seconds.as_mut()) {
                timed.push((&entered.timed, seconds));
            }
        }
        let mut seconds: Vec<f64> = timed.iter().map(|(_, seconds)| **seconds).collect();
        let recs: Vec<&Recording> = timed.iter().map(|(rec, _)| *rec).collect();
        clock::last(device, &recs, &mut seconds)?;
        timed.into_iter().zip(seconds).for_each(|((_, to), seconds)| *to = seconds);
        Ok(())
    }

    fn tried(&self) -> impl Iterator<Item = &Tried> {
        self.entered.iter().filter_map(|entered| entered.tried.as_ref())
    }

    fn least(&self) -> f64 {
        self.tried().filter_map(|tried| tried.seconds).fold(f64::INFINITY, f64::min)
    }

    /// Seconds of a sample in the fastest way.
    pub fn a_sample(&self) -> f64 {
        let (lanes, samples) = self.large.lanes();
        self.least() / (f64::from(lanes) * f64::from(samples))
    }

    /// Ways that haven't entered, of schemes whose first one took less than `times` as long as the fastest of all, or told nothing.
    pub fn worth_following(&self, times: f64) -> Vec<Way> {
        let far = |tried: &Tried| tried.seconds.is_some_and(|seconds| seconds > times * self.least());
        let worth = |way: &&Way| {
            let known = |tried: &Tried| tried.way == **way || (far(tried) && alike(tried.way, **way));
            !self.tried().any(known)
        };
        self.ways.iter().filter(worth).copied().collect()
    }

    /// Ways that took less than `times` as long as the fastest.
    pub fn near(&self, times: f64) -> Vec<Way> {
        let near = |tried: &&Tried| tried.seconds.is_some_and(|seconds| seconds <= times * self.least());
        self.tried().filter(near).map(|tried| tried.way).collect()
    }

    /// What came out.
    pub fn measured(self) -> Measured {
        let (operations, lanes) = (self.large.cost(), self.large.lanes());
        let tried = self.entered.into_iter().filter_map(|entered| entered.tried).collect();
        Measured { sizes: self.of.0, pass: self.of.1, lanes, operations, tried }
    }
}

fn values(device: &mut dyn Device, rec: &Recording) -> Result<Vec<f32>, DeviceError> {
    Ok(device.run(rec)?.iter().flat_map(|bytes| as_f32(bytes)).collect())
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
    use crate::tune::buffers::Lengths;

    /// A trial in which these ways took so many seconds; `None`: it failed.
    fn trial(ways: &[&str], tried: &[(&str, Option<f64>)]) -> Trial {
        let mut device = crate::device::ReferenceDevice::new(None);
        let buffers = Buffers::new(&mut device, &Lengths::default()).unwrap();
        let of = (Sizes::Linear { inputs: 3, outputs: 5, rows: 1 }, Pass::Forward);
        let ways = ways.iter().map(|way| way.parse().unwrap()).collect();
        let mut trial = Trial::new(&buffers, Tiling::CORE, of, Layout::ChannelsFirst, (1, 1), ways);
        for &(way, seconds) in tried {
            trial.enter(vec![way.parse().unwrap()]);
            let (way, passed) = (way.parse().unwrap(), seconds.is_some());
            trial.entered.last_mut().unwrap().tried = Some(Tried { way, error: 0.0, passed, seconds });
        }
        trial
    }

    const BLOCKS: [&str; 3] = ["block 64x64x16 8x8", "block 64x64x8 8x8", "block 32x32x16 4x4"];

    #[test]
    fn a_scheme_that_is_far_behind_is_not_followed_up() {
        let ways = [&["shuffle"], &BLOCKS[..]].concat();
        let of = |shuffle, block| trial(&ways, &[("shuffle", shuffle), (BLOCKS[0], block)]).worth_following(2.0);
        let two: Vec<Way> = BLOCKS[1..].iter().map(|way| way.parse().unwrap()).collect();
        assert_eq!(of(Some(1.0), Some(1.9)), two);
        assert_eq!(of(Some(1.0), Some(2.1)), []);
        assert_eq!(of(Some(9.0), Some(1.0)), two);
        // One that failed says nothing of the others' speed.
        assert_eq!(of(Some(1.0), None), two);
    }

    #[test]
    fn what_was_near_the_fastest_is_tried_with_signs() {
        let trial =
            trial(&[], &[("shuffle", Some(9.0)), (BLOCKS[0], Some(1.0)), (BLOCKS[1], Some(1.1)), (BLOCKS[2], None)]);
        let near: Vec<String> = trial.near(1.2).iter().map(Way::to_string).collect();
        assert_eq!(near, BLOCKS[..2]);
    }
}
