//! Two results of the bench side by side, with a verdict that knows how far runs spread.

use serde::Serialize;

use super::runner::Outcome;

/// What two times say of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The second takes less time, by more than the runs' spread explains.
    Faster,
    /// It takes more.
    Slower,
    /// Nothing can be said.
    Same,
    /// Only one of the two has it, or on another shape.
    Alone,
}

/// A workload in two results.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// Sizes.
    pub shape: String,
    /// Median in the first.
    pub before: Option<f64>,
    /// And in the second.
    pub after: Option<f64>,
    /// The second's median by the first's.
    pub ratio: Option<f64>,
    /// By how much the ratio may be off: both medians' uncertainty together.
    pub uncertainty: Option<f64>,
    /// What it says.
    pub verdict: Verdict,
}

/// What is never called a difference: code that was laid out elsewhere makes as much.
const LEAST: f64 = 0.02;

/// Half of the interval that a median of so many runs lies in, nineteen times of twenty: 1.57 quartile distances by the root of their
/// number, as notches of box plots have it (McGill, Tukey, Larsen, 1978). Of files without quartiles their deviations, as if normal.
fn uncertainty(outcome: &Outcome) -> f64 {
    let [low, high] = outcome.quartiles;
    let distance = if high > 0.0 { high - low } else { 1.35 * outcome.deviation_seconds };
    1.57 * distance / (outcome.runs.max(1) as f64).sqrt()
}

/// Compares results, in the order of the first.
pub fn diff(before: &[Outcome], after: &[Outcome]) -> Vec<Difference> {
    let same = |a: &Outcome, b: &Outcome| a.name == b.name && a.shape == b.shape;
    let alone = |o: &Outcome, before, after| Difference {
        name: o.name.clone(),
        shape: o.shape.clone(),
        before,
        after,
        ratio: None,
        uncertainty: None,
        verdict: Verdict::Alone,
    };
    let mut list: Vec<Difference> = Vec::new();
    for a in before {
        list.push(match after.iter().find(|b| same(a, b)) {
            Some(b) => compared(a, b),
            None => alone(a, Some(a.seconds), None),
        });
    }
    let others = after.iter().filter(|b| !before.iter().any(|a| same(a, b)));
    list.extend(others.map(|b| alone(b, None, Some(b.seconds))));
    list
}

fn compared(a: &Outcome, b: &Outcome) -> Difference {
    let ratio = b.seconds / a.seconds;
    let relative = |o: &Outcome| uncertainty(o) / o.seconds;
    let uncertainty = ratio * relative(a).hypot(relative(b));
    let sure = (ratio - 1.0).abs() > uncertainty.max(LEAST);
    let verdict = match ratio < 1.0 {
        _ if !sure => Verdict::Same,
        true => Verdict::Faster,
        false => Verdict::Slower,
    };
    Difference {
        name: a.name.clone(),
        shape: a.shape.clone(),
        before: Some(a.seconds),
        after: Some(b.seconds),
        ratio: Some(ratio),
        uncertainty: Some(uncertainty),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Unit;

    fn outcome(name: &str, seconds: f64, quartiles: [f64; 2], runs: usize) -> Outcome {
        Outcome {
            name: name.to_owned(),
            shape: "10".to_owned(),
            seconds,
            min_seconds: seconds,
            deviation_seconds: 0.0,
            quartiles,
            runs,
            rate: 1.0,
            unit: Unit::Flops,
            of_ceiling: None,
            ceiling: None,
            clock: "device".to_owned(),
            against: None,
            dispatches: None,
            recordings: None,
            device_bytes: None,
        }
    }

    #[test]
    fn a_difference_must_exceed_the_spread_and_two_percent() {
        let before = |quartiles, runs| outcome("x", 1.0, quartiles, runs);
        let after = |seconds: f64, spread: f64| outcome("x", seconds, [seconds - spread, seconds + spread], 25);
        let verdict = |a: &Outcome, b: &Outcome| diff(std::slice::from_ref(a), std::slice::from_ref(b))[0].verdict;
        let quiet = before([0.999, 1.001], 25);
        assert_eq!(verdict(&quiet, &after(1.05, 0.001)), Verdict::Slower);
        assert_eq!(verdict(&quiet, &after(0.9, 0.001)), Verdict::Faster);
        // Below two percent, however sure.
        assert_eq!(verdict(&quiet, &after(1.015, 0.0001)), Verdict::Same);
        // Quartiles 0.2 apart, 25 runs: 1.57 * 0.2 / 5 = 0.063 each way.
        let noisy = before([0.9, 1.1], 25);
        assert_eq!(verdict(&noisy, &after(1.05, 0.001)), Verdict::Same);
        assert_eq!(verdict(&noisy, &after(1.07, 0.001)), Verdict::Slower);
        // A hundred times the runs, a tenth of it.
        assert_eq!(verdict(&before([0.9, 1.1], 2500), &after(1.05, 0.001)), Verdict::Slower);
    }

    #[test]
    fn what_only_one_has_stands_alone() {
        let (a, b) = (outcome("a", 1.0, [1.0; 2], 5), outcome("b", 2.0, [2.0; 2], 5));
        let other = Outcome { shape: "20".to_owned(), ..a.clone() };
        let list = diff(&[a.clone(), b.clone()], &[b.clone(), other]);
        let told: Vec<_> = list.iter().map(|d| (d.name.as_str(), d.before, d.after, d.verdict)).collect();
        assert_eq!(
            told,
            [
                ("a", Some(1.0), None, Verdict::Alone),
                ("b", Some(2.0), Some(2.0), Verdict::Same),
                ("a", None, Some(1.0), Verdict::Alone)
            ]
        );
    }
}
