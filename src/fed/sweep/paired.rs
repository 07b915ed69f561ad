//! Differences between two settings over the seeds that both have, and how sure their mean is.

use serde::Serialize;

use super::Spread;

/// How sure an interval is.
const SURE: f64 = 0.95;

/// The mean of paired differences with its 95 % interval: mean -+ t sd / sqrt(n), with t of Student's distribution of n - 1 degrees of
/// freedom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Paired {
    /// Pairs.
    pub seeds: usize,
    /// Their mean difference.
    pub mean: f64,
    /// Sample deviation of the differences; none of a single pair.
    pub sd: Option<f64>,
    /// The lower end of the interval; none of a single pair.
    pub low: Option<f64>,
    /// The upper one.
    pub high: Option<f64>,
}

impl Paired {
    /// Of differences; none where there are none.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let Spread { mean, deviation } = Spread::of(differences)?;
        let seeds = differences.len();
        let reach = deviation.map(|sd| t_of(SURE, seeds as u32 - 1) * sd / (seeds as f64).sqrt());
        Some(Self { seeds, mean, sd: deviation, low: reach.map(|r| mean - r), high: reach.map(|r| mean + r) })
    }
}

/// The t that |T| stays below with probability `sure` (0..1), of `freedom` degrees of freedom (at least 1), by bisection.
fn t_of(sure: f64, freedom: u32) -> f64 {
    let (mut low, mut high) = (0.0f64, 1e6f64);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if below(middle, freedom) < sure { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// P(|T| < t), by the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4.
fn below(t: f64, freedom: u32) -> f64 {
    let n = f64::from(freedom);
    let angle = (t / n.sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let mut term = if odd { cos } else { 1.0 };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    // Terms up to the power n - 2 of the cosine.
    let mut power = if odd { 3 } else { 2 };
    while power + 2 <= freedom {
        let p = f64::from(power);
        term *= cos * cos * (p - 1.0) / p;
        sum += term;
        power += 2;
    }
    if odd { (angle + sin * sum) * 2.0 / std::f64::consts::PI } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of Student's distribution, two-sided 95 %.
    #[test]
    fn t_is_that_of_the_tables() {
        for (freedom, expected) in
            [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (5, 2.57058), (9, 2.26216), (30, 2.04227)]
        {
            let t = t_of(0.95, freedom);
            assert!((t - expected).abs() < 1e-5 * expected, "{freedom}: {t}, expected {expected}");
        }
        assert!((t_of(0.95, 100_000) - 1.95996).abs() < 1e-4);
        assert!((t_of(0.5, 1) - 1.0).abs() < 1e-12, "the quartile of Cauchy's distribution");
    }

    /// The differences 2, 4, 6: mean 4, deviation 2, standard error 2 / sqrt 3 = 1.154701; times 4.302653 it is 4.968275.
    #[test]
    fn an_interval_by_hand() {
        let paired = Paired::of(&[2.0, 4.0, 6.0]).unwrap();
        assert_eq!((paired.seeds, paired.mean, paired.sd), (3, 4.0, Some(2.0)));
        assert!((paired.low.unwrap() + 0.968_275).abs() < 1e-5 && (paired.high.unwrap() - 8.968_275).abs() < 1e-5);
        assert_eq!(Paired::of(&[0.5]).map(|p| (p.sd, p.low, p.high)), Some((None, None, None)));
        assert_eq!(Paired::of(&[]), None);
    }
}
