//! Signs that a run is failing without saying so.

use super::experiment::Experiment;
use super::metrics::{Phase, RoundMetrics};
use super::rounding::Noise;
use super::zo::MOST_ERROR;

/// Rounds in a row with mostly zero differences before that is told.
const MOSTLY_ZERO_ROUNDS: u32 = 10;
/// A loss this many times the pivot's is told.
const LOSS_RATIO: f64 = 10.0;

/// Watches a run's rounds. Each kind of warning is given once, at the first round that shows it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    pivot_loss: Option<f64>,
    mostly_zero: u32,
    all_zero_told: bool,
    mostly_zero_told: bool,
    loss_told: bool,
    error_told: bool,
    noise: Noise,
    /// All warnings so far.
    list: Vec<String>,
}

impl Watch {
    /// For an experiment's rounds.
    pub fn of(experiment: &Experiment) -> Self {
        Self { noise: Noise::of(experiment), ..Self::default() }
    }

    /// Notes the pivot's test loss.
    pub fn pivot(&mut self, loss: Option<f64>) {
        self.pivot_loss = loss;
    }

    /// Adds a warning; tells whether it is new.
    pub fn add(&mut self, text: String) -> bool {
        let new = !self.list.contains(&text);
        if new {
            self.list.push(text);
        }
        new
    }

    /// Follows a round; how many warnings it added at the end of [`Watch::list`].
    pub fn follow(&mut self, line: &RoundMetrics) -> usize {
        let before = self.list.len();
        if line.phase == Phase::Zo {
            self.differences(line);
            if let Some((rms, rounding)) = self.noise.follow(line) {
                self.list.push(format!(
                    "round {}: the loss differences are mostly rounding: their root mean square is {rms:.1e}, of which f32 gives about {rounding:.1e} (a larger zo.epsilon lifts them above it; `zowarmup probe` measures both)",
                    line.round
                ));
            }
            self.precision(line);
            self.loss(line);
        }
        self.list.len() - before
    }

    fn differences(&mut self, line: &RoundMetrics) {
        let zero = line.dl_zero.unwrap_or(0.0);
        let finite = line.probes.unwrap_or(0) > line.dropped.unwrap_or(0);
        if finite && zero >= 1.0 && !self.all_zero_told {
            self.all_zero_told = true;
            self.list.push(format!(
                "round {}: the loss difference of every probe is exactly zero, so the round changed nothing (a larger zo.epsilon lifts differences above f32's rounding)",
                line.round
            ));
        }
        self.mostly_zero = if zero > 0.5 { self.mostly_zero + 1 } else { 0 };
        if self.mostly_zero == MOSTLY_ZERO_ROUNDS && !self.mostly_zero_told {
            self.mostly_zero_told = true;
            self.list.push(format!(
                "round {}: for {MOSTLY_ZERO_ROUNDS} rounds more than half of the loss differences were exactly zero (a larger zo.epsilon lifts them above f32's rounding)",
                line.round
            ));
        }
    }

    fn precision(&mut self, line: &RoundMetrics) {
        if let Some(error) = line.dl_error.filter(|error| *error > MOST_ERROR && !self.error_told) {
            self.error_told = true;
            self.list.push(format!(
                "round {}: the products' precision puts the loss differences off by {:.0} % of their size (a larger zo.epsilon or another device.precision lifts them above its rounding)",
                line.round,
                100.0 * error.min(1e3)
            ));
        }
    }

    fn loss(&mut self, line: &RoundMetrics) {
        let Some(pivot) = self.pivot_loss.filter(|&pivot| pivot > 0.0) else { return };
        for (name, loss) in [("training", line.train_loss), ("test", line.test_loss)] {
            if let Some(loss) = loss.filter(|&loss| loss > LOSS_RATIO * pivot && !self.loss_told) {
                self.loss_told = true;
                self.list.push(format!(
                    "round {}: the {name} loss of {loss:.4} is more than {LOSS_RATIO} times the pivot's {pivot:.4} (a smaller zo.lr may help)",
                    line.round
                ));
            }
        }
    }

    /// Compares the end with the pivot; tells whether that added a warning.
    pub fn close(&mut self, pivot: Option<f64>, last: Option<f64>) -> bool {
        match (pivot, last) {
            (Some(pivot), Some(last)) if last < pivot => self.add(format!(
                "the final accuracy of {:.1} % is below the pivot's {:.1} %: the zeroth-order phase lost ground",
                100.0 * last,
                100.0 * pivot
            )),
            _ => false,
        }
    }

    /// All warnings so far, in the order in which they came up.
    pub fn list(&self) -> &[String] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(round: u32, zero: f64, loss: f64) -> RoundMetrics {
        let mut line = RoundMetrics::new(round, Phase::Zo, loss, 2);
        line.set_probes(4, 0.1, zero, 0);
        line
    }

    #[test]
    fn each_kind_is_told_once_where_it_begins() {
        let mut watch = Watch::default();
        watch.pivot(Some(0.5));
        assert_eq!(watch.follow(&line(3, 0.5, 5.0)), 0, "ten times, and half of them, is not above");
        assert_eq!(watch.follow(&line(4, 1.0, 1.0)), 1);
        assert!(watch.list()[0].starts_with("round 4: ") && watch.list()[0].contains("exactly zero"));
        assert_eq!((5..13).map(|r| watch.follow(&line(r, 0.6, 1.0))).sum::<usize>(), 0);
        assert_eq!(watch.follow(&line(13, 0.6, 1.0)), 1);
        assert!(watch.list()[1].contains("for 10 rounds"));
        assert_eq!(watch.follow(&line(14, 0.0, 5.1)), 1);
        assert!(watch.list()[2].contains("the training loss of 5.1"));
        assert_eq!((15..40).map(|r| watch.follow(&line(r, 1.0, 9.0))).sum::<usize>(), 0);
    }

    #[test]
    fn a_run_of_mostly_zeros_is_interrupted_by_one_that_is_not() {
        let mut watch = Watch::default();
        for round in 0..40 {
            assert_eq!(watch.follow(&line(round, if round % 10 == 9 { 0.4 } else { 0.9 }, 1.0)), 0);
        }
        let mut null = line(40, 0.0, f64::NAN);
        null.set_probes(4, f64::NAN, f64::NAN, 4);
        assert_eq!(watch.follow(&null), 0);
    }

    #[test]
    fn an_error_that_grows_is_told_once() {
        let mut watch = Watch::default();
        let with = |round: u32, error: f64| RoundMetrics { dl_error: Some(error), ..line(round, 0.0, 1.0) };
        assert_eq!(
            (watch.follow(&with(0, 0.2)), watch.follow(&with(50, 0.21)), watch.follow(&with(100, 0.5))),
            (0, 1, 0)
        );
        assert!(watch.list()[0].starts_with("round 50: ") && watch.list()[0].contains("21 %"), "{:?}", watch.list());
    }

    #[test]
    fn a_final_below_the_pivot_is_told() {
        let mut watch = Watch::default();
        assert!(!watch.close(Some(0.5), Some(0.5)) && !watch.close(None, Some(0.1)));
        assert!(watch.close(Some(0.5), Some(0.4)) && watch.list()[0].contains("40.0 %"));
    }
}
