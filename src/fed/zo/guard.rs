//! Whether products in another precision than f32 leave the differences of probes what they are in f32: before the first zeroth-order round,
//! and again every so many rounds, since the error grows during a run.

use super::header::settings;
use super::plan::Plan;
use crate::caps::Precision;
use crate::engine::{Engine, EngineError, ProbeClient, ProbeResult, Samples};
use crate::fed::experiment::Experiment;

/// A relative error above this is told.
const TOLD: f64 = 0.05;
/// Above this a run doesn't begin.
pub const MOST: f64 = 0.2;
/// Rounds from one measurement to the next.
const EVERY: u32 = 50;
/// Probes whose differences are pooled, at least: those of a single client say nothing.
const PROBES: usize = 32;
/// The largest epsilon that is recommended: beyond it curvature counts.
const LARGEST_EPSILON: f64 = 3e-3;

/// What follows from a relative error before the first round.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// It is told.
    Told(String),
    /// The run stops.
    TooMuch(String),
}

/// What follows from the relative error of differences in a precision at this epsilon.
pub fn verdict(error: f64, epsilon: f64, precision: Precision) -> Verdict {
    let name = precision.name();
    if error <= TOLD {
        return Verdict::Fine;
    }
    let found = format!(
        "device.precision = \"{name}\": at zo.epsilon = {epsilon:e} the loss differences of probes are off by {} of their size",
        share(error)
    );
    if error <= MOST {
        return Verdict::Told(format!("{found} against f32"));
    }
    // The error falls about as 1 / epsilon.
    let enough = rounded_up(epsilon * error / TOLD);
    let expected = if enough <= LARGEST_EPSILON * 1.000_001 {
        format!("zo.epsilon = {enough:e} would do")
    } else {
        let other = if precision == Precision::F16 { "\"f16x3\" or \"f32\"" } else { "\"f32\"" };
        format!("no zo.epsilon up to {LARGEST_EPSILON:e} would do: expected device.precision = {other}")
    };
    Verdict::TooMuch(format!("{found} against f32, more than {}: {expected}", share(MOST)))
}

/// A share in words; what isn't finite has no bound.
fn share(error: f64) -> String {
    if error.is_finite() { format!("{:.0} %", 100.0 * error) } else { "more than all".to_owned() }
}

/// The next larger number with one digit.
fn rounded_up(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::INFINITY;
    }
    let digit = 10f64.powf(x.log10().floor());
    let digits = (x / digit - 1e-6).ceil();
    // The shortest decimal, not what a product of powers makes of it.
    format!("{digits}e{}", x.log10().floor()).parse().unwrap_or(x)
}

/// Whether the error is measured before round `round` (absolute); before the first one always.
pub fn due(experiment: &Experiment, round: u32) -> bool {
    let done = round.saturating_sub(experiment.config.warmup.rounds);
    experiment.precision() != Precision::F32 && done.is_multiple_of(EVERY)
}

/// The root mean square of what a precision changes of differences over that of the differences in f32, of the first step's probes of the
/// clients of `round` (absolute), and of the rounds behind it where they are few. 0 where products are of f32 on this device.
///
/// # Errors
/// The engine's.
pub fn measure(engine: &mut Engine, experiment: &Experiment, train: &Samples, round: u32) -> Result<f64, EngineError> {
    if engine.is_f32() {
        return Ok(0.0);
    }
    let settings = settings(experiment);
    let (mut pool, mut probes) = (Pool::default(), 0);
    // A round has at least a probe.
    for next in round..round + PROBES as u32 {
        let plan = Plan::of(experiment, next);
        let steps: Vec<ProbeClient<'_>> = plan.probers.iter().map(|prober| prober.step(0)).collect();
        let each = (PROBES - probes).div_ceil(steps.len().max(1));
        let some = |client: &ProbeClient<'_>| client.seeds.len().min(each);
        let clients: Vec<ProbeClient<'_>> = steps
            .iter()
            .map(|client| ProbeClient { indices: client.indices, seeds: &client.seeds[..some(client)] })
            .collect();
        let ours = engine.probe(train, &clients, &settings)?;
        pool.add(&ours, &engine.probe_in_f32(train, &clients, &settings)?);
        probes += ours.len();
        if probes >= PROBES {
            break;
        }
    }
    Ok(pool.error())
}

/// Sums over probes: ratios of single ones say nothing.
#[derive(Default)]
struct Pool {
    off: f64,
    all: f64,
}

impl Pool {
    /// Probes and the same in f32. One that isn't finite in f32 is none; one that is so only in the other precision is infinitely off.
    fn add(&mut self, ours: &[ProbeResult], exact: &[ProbeResult]) {
        for (ours, exact) in ours.iter().zip(exact).filter(|(_, exact)| exact.dl.is_finite()) {
            let (dl, expected) = (f64::from(ours.dl), f64::from(exact.dl));
            self.off += if dl.is_finite() { (dl - expected).powi(2) } else { f64::INFINITY };
            self.all += expected.powi(2);
        }
    }

    fn error(&self) -> f64 {
        if self.off == 0.0 { 0.0 } else { (self.off / self.all).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(dl: &[f32]) -> Vec<ProbeResult> {
        dl.iter().map(|&dl| ProbeResult { dl, loss: 1.0 }).collect()
    }

    fn error(ours: &[f32], exact: &[f32]) -> f64 {
        let mut pool = Pool::default();
        pool.add(&results(ours), &results(exact));
        pool.error()
    }

    #[test]
    fn sums_are_pooled() {
        // 0.3 and 0.4 off, of 3 and 4.
        assert!((error(&[3.3, 3.6], &[3.0, 4.0]) - 0.1).abs() < 1e-6);
        // The first is off by all of itself, and counts for little.
        assert!(error(&[0.0, 4.0], &[0.01, 4.0]) < 0.01);
        assert_eq!(error(&[1.0, f32::NAN], &[1.0, f32::NAN]), 0.0);
        assert_eq!(error(&[f32::NAN], &[1.0]), f64::INFINITY);
        assert_eq!((error(&[0.0], &[0.0]), error(&[1.0], &[0.0])), (0.0, f64::INFINITY));
    }

    #[test]
    fn verdicts_have_their_limits_and_name_what_would_do() {
        let of = |error: f64, epsilon: f64| verdict(error, epsilon, Precision::F16);
        assert_eq!((of(0.0, 1e-3), of(0.05, 1e-4)), (Verdict::Fine, Verdict::Fine));
        assert!(matches!(of(0.051, 1e-3), Verdict::Told(text) if text.contains("5 %") && text.contains("1e-3")));
        assert!(matches!(of(0.2, 1e-3), Verdict::Told(_)));
        let named = |verdict: Verdict, what: &str| matches!(verdict, Verdict::TooMuch(text) if text.contains(what));
        // 1e-4 * 0.41 / 0.05 = 8.2e-4.
        assert!(named(of(0.41, 1e-4), "zo.epsilon = 9e-4 would do"));
        assert!(named(of(0.3, 5e-4), "zo.epsilon = 3e-3 would do"));
        assert!(named(of(0.3, 1e-3), "device.precision = \"f16x3\" or \"f32\""));
        assert!(named(of(f64::INFINITY, 1e-5), "more than all"));
        assert!(named(verdict(0.5, 2e-3, Precision::F16x3), "expected device.precision = \"f32\""));
    }

    #[test]
    fn numbers_are_rounded_up_to_a_digit() {
        for (x, up) in [(8.2e-4, 9e-4), (9.1e-4, 1e-3), (3e-3, 3e-3), (1e-4, 1e-4), (2.000_000_1e-3, 2e-3), (0.5, 0.5)]
        {
            assert_eq!(rounded_up(x), up, "{x}");
        }
    }
}
