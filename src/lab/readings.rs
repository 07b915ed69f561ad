//! What probes gave at one setting, and what it says about differences: zeros, rounding, curvature, the trace of the Hessian.

use super::directions::Directions;
use super::request::Setting;
use super::truth::Truth;
use crate::engine::{Engine, EngineError, ProbeClient, ProbeSettings, Samples, Sides};
use crate::fed::experiment::Experiment;
use crate::fed::rounding::spacing;

/// How far the neighbours of a step lie from it, as a share of it.
const NEAR: f64 = 1.0 / 16.0;
/// A neighbour's rounding is one of its own where the perturbation differs by this many spacings of f32 at the largest weight.
const SPACINGS: f64 = 4.0;
/// Differences from which the rounding is estimated, of all clients together, are at least so many where there are as many probes.
const ROUNDED: usize = 64;

/// Numbers of all probes at a setting, client after client.
pub struct Readings {
    /// The setting.
    pub setting: Setting,
    /// `dl`, as a client sends it.
    pub dl: Vec<f32>,
    /// What it should be but for curvature and rounding: the step times the slope of the client's loss.
    pub expected: Vec<f64>,
    /// `(L+ + L-) / 2 - L`; empty for one-sided probes.
    bend: Vec<f64>,
    /// Second differences of `dl` between neighbouring steps, of some of the probes; empty where steps are too small.
    neighbours: Vec<f64>,
    /// Probes of a client.
    draws: usize,
    /// Spacings of f32 at each client's loss.
    spacing: Vec<f64>,
}

/// Who probes.
pub struct Prober<'a> {
    /// The model at the weights in question.
    pub engine: &'a mut Engine,
    /// Its samples on the device.
    pub train: &'a Samples,
    /// Data and split.
    pub experiment: &'a Experiment,
    /// Clients.
    pub clients: &'a [u32],
    /// As of a run's probes.
    pub batch_statistics: bool,
    /// The largest magnitude of a weight.
    pub largest: f32,
}

impl Prober<'_> {
    /// The first `count` probes of each client: (dl, mean of the two losses).
    fn probe(
        &mut self,
        directions: &Directions,
        count: usize,
        setting: Setting,
    ) -> Result<Vec<(f32, f32)>, EngineError> {
        let settings = ProbeSettings {
            distribution: setting.distribution,
            tau: setting.tau,
            epsilon: setting.epsilon,
            sides: if setting.sides == 1 { Sides::One } else { Sides::Two },
            batch_statistics: self.batch_statistics,
        };
        let split = &self.experiment.split.clients;
        let work: Vec<ProbeClient<'_>> = self
            .clients
            .iter()
            .enumerate()
            .map(|(k, &c)| ProbeClient { indices: &split[c as usize], seeds: directions.seeds(k, count) })
            .collect();
        let results = self.engine.probe(self.train, &work, &settings)?;
        Ok(results.into_iter().map(|r| (r.dl, r.loss)).collect())
    }

    /// All probes at a setting. `slopes`: of directions of unit variance.
    pub fn read(
        &mut self,
        directions: &Directions,
        draws: usize,
        setting: Setting,
        slopes: &[[f64; 2]],
    ) -> Result<Readings, EngineError> {
        let results = self.probe(directions, draws, setting)?;
        let step = f64::from(setting.sides) * setting.epsilon * setting.tau;
        let expected = slopes.iter().map(|[own, _]| step * own).collect();
        // A step of 0 gives the plain loss through the same kernels, twice.
        let plain = self.probe(directions, 1, Setting { epsilon: 0.0, sides: 2, ..setting })?;
        let of_client = |i: usize| f64::from(plain[i / draws].1);
        let bend = match setting.sides {
            2 => results.iter().enumerate().map(|(i, r)| f64::from(r.1) - of_client(i)).collect(),
            _ => Vec::new(),
        };
        let mut neighbours = Vec::new();
        if NEAR * setting.epsilon * setting.tau >= SPACINGS * spacing(f64::from(self.largest)) {
            let few = ROUNDED.div_ceil(self.clients.len().max(1)).clamp(1, draws);
            let near = |factor: f64| Setting { epsilon: setting.epsilon * factor, ..setting };
            let below = self.probe(directions, few, near(1.0 - NEAR))?;
            let above = self.probe(directions, few, near(1.0 + NEAR))?;
            for (i, (below, above)) in below.iter().zip(&above).enumerate() {
                let middle = f64::from(results[i / few * draws + i % few].0);
                neighbours.push(f64::from(below.0) - 2.0 * middle + f64::from(above.0));
            }
        }
        Ok(Readings {
            setting,
            dl: results.into_iter().map(|r| r.0).collect(),
            expected,
            bend,
            neighbours,
            draws,
            spacing: plain.iter().map(|r| spacing(f64::from(r.1))).collect(),
        })
    }
}

/// A figure with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Standard error.
    pub error: f64,
}

impl Figure {
    /// The mean of independent values.
    pub fn mean(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - value).powi(2)).sum::<f64>() / (n - 1.0);
        Self { value, error: (variance / n).sqrt() }
    }
}

fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.filter(|v| v.is_finite()).fold((0.0, 0u64), |(s, n), v| (s + v * v, n + 1));
    (sum / n as f64).sqrt()
}

impl Readings {
    /// Of one client's differences, computed elsewhere, without neighbours.
    #[cfg(test)]
    pub fn of(setting: Setting, dl: Vec<f32>, expected: Vec<f64>, bend: Vec<f64>, draws: usize, loss: f64) -> Self {
        Self { setting, dl, expected, bend, neighbours: Vec::new(), draws, spacing: vec![spacing(loss)] }
    }

    /// What dl is multiplied by to be the coefficient of a direction of unit variance in its client's estimate.
    pub fn factor(&self) -> f64 {
        self.setting.tau / (f64::from(self.setting.sides) * self.setting.epsilon)
    }

    /// Each probe's coefficient in the estimate of all clients; 0 of a dl that isn't finite.
    pub fn coefficients(&self, truth: &Truth) -> Vec<f64> {
        let of = |(i, &dl): (usize, &f32)| {
            if dl.is_finite() { truth.shares[i / self.draws] * f64::from(dl) * self.factor() } else { 0.0 }
        };
        self.dl.iter().enumerate().map(of).collect()
    }

    /// Share of exact zeros among the finite ones.
    pub fn zeros(&self) -> f64 {
        let finite = self.dl.iter().filter(|dl| dl.is_finite()).count();
        self.dl.iter().filter(|dl| **dl == 0.0).count() as f64 / finite as f64
    }

    /// How many are not finite.
    pub fn dropped(&self) -> usize {
        self.dl.iter().filter(|dl| !dl.is_finite()).count()
    }

    fn deviation(&self) -> f64 {
        rms(self.dl.iter().zip(&self.expected).map(|(&dl, e)| f64::from(dl) - e))
    }

    /// Root mean square of dl's deviation from the slope, curvature and rounding together, relative to what dl should be.
    pub fn error(&self) -> f64 {
        self.deviation() / rms(self.expected.iter().copied())
    }

    /// Root mean square of dl's rounding, relative to what dl should be. Of neighbouring steps the slope cancels in
    /// `dl(eps - h) - 2 dl(eps) + dl(eps + h)`, and curvature all but, while each has a rounding of its own: the variance is six times that
    /// of one. Where steps are too small for that, curvature is negligible, and the rounding is the deviation from the slope.
    pub fn noise(&self) -> f64 {
        let noise = if self.neighbours.is_empty() {
            self.deviation()
        } else {
            // The plain loss of one-sided differences cancels with its rounding, which is of the same size as the other's.
            let both = if self.setting.sides == 1 { 2f64 } else { 1.0 };
            (both / 6.0).sqrt() * rms(self.neighbours.iter().copied())
        };
        noise / rms(self.expected.iter().copied())
    }

    /// How far the mean estimate is from `tau^2` times the gradient, along the gradient, relative to that. An estimate by slopes alone is
    /// right on average; the same directions give it, and only the difference is taken.
    pub fn bias(&self, truth: &Truth, slopes: &[[f64; 2]]) -> Figure {
        let tau = self.setting.tau;
        let mut along = vec![0f64; self.draws];
        for (i, (&dl, &expected)) in self.dl.iter().zip(&self.expected).enumerate() {
            if dl.is_finite() {
                let coefficient = truth.shares[i / self.draws] * (f64::from(dl) - expected) * self.factor();
                along[i % self.draws] += coefficient * slopes[i][1] / (tau * tau * truth.square);
            }
        }
        let mean = Figure::mean(&along);
        Figure { value: mean.value.abs(), ..mean }
    }

    /// Trace of the Hessian of the mean loss: the mean of `(L+ + L- - 2 L) / (eps tau)^2`. Its error includes the rounding of L, which
    /// all probes of a client share. None of one-sided probes.
    pub fn trace(&self, truth: &Truth) -> Option<Figure> {
        if self.bend.is_empty() {
            return None;
        }
        let scale = (self.setting.epsilon * self.setting.tau).powi(-2);
        let mut sums = vec![0f64; self.draws];
        for (i, bend) in self.bend.iter().enumerate() {
            sums[i % self.draws] += truth.shares[i / self.draws] * 2.0 * bend * scale;
        }
        let mean = Figure::mean(&sums);
        let shared = truth.shares.iter().zip(&self.spacing).map(|(w, ulp)| (w * ulp * scale).powi(2)).sum::<f64>();
        Some(Figure { error: (mean.error.powi(2) + shared).sqrt(), ..mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_its_standard_error() {
        let figure = Figure::mean(&[1.0, 3.0, 5.0, 7.0]);
        assert_eq!(figure.value, 4.0);
        // Variance 20 / 3, over 4.
        assert!((figure.error - (20.0f64 / 12.0).sqrt()).abs() < 1e-15);
    }
}
