//! A figure against rounds or bytes, in the mean over a group's runs.

use std::collections::BTreeMap;

use super::group::Group;
use crate::fed::sweep::{Spread, clients};
use crate::fed::{Phase, RoundMetrics};

/// The most points of a drawn curve.
const MOST: usize = 100;

/// A point of a curve: the mean, and how far the deviation reaches on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Rounds done, or bytes sent.
    pub x: f64,
    /// Mean over the runs.
    pub y: f64,
    /// Sample deviation; 0 of one run.
    pub deviation: f64,
    /// Whether it is the pivot.
    pub pivot: bool,
}

/// What stands on the axis to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// Rounds done.
    Rounds,
    /// Millions of bytes that a client has sent, in the mean.
    UplinkMegabytes,
}

/// The curve of a figure: a point for each round that every run of the group which is done has a figure of.
pub fn curve(group: &Group, along: Along, figure: impl Fn(&RoundMetrics) -> Option<f64>) -> Vec<Point> {
    let runs = group.done().count();
    let mut rounds: BTreeMap<u32, (Vec<f64>, Vec<f64>, bool)> = BTreeMap::new();
    for run in group.done() {
        let mut sent = 0u64;
        for (place, line) in run.metrics.iter().enumerate() {
            sent = sent.saturating_add(line.uplink_bytes);
            let Some(y) = figure(line).filter(|y| y.is_finite()) else { continue };
            let x = match along {
                Along::Rounds => f64::from(line.round) + 1.0,
                Along::UplinkMegabytes => 1e-6 * sent as f64 / clients(&run.config),
            };
            let next = run.metrics.get(place + 1);
            let pivot = line.phase == Phase::Warmup && next.is_some_and(|next| next.phase == Phase::Zo);
            let (xs, ys, is_pivot) = rounds.entry(line.round).or_default();
            xs.push(x);
            ys.push(y);
            *is_pivot |= pivot;
        }
    }
    let points = rounds.into_values().filter(|(_, ys, _)| ys.len() == runs).filter_map(|(xs, ys, pivot)| {
        let (x, y) = (Spread::of(&xs)?, Spread::of(&ys)?);
        Some(Point { x: x.mean, y: y.mean, deviation: y.deviation.unwrap_or(0.0), pivot })
    });
    thin(points.collect())
}

/// At most [`MOST`] points, evenly chosen; both ends and the pivot stay.
fn thin(points: Vec<Point>) -> Vec<Point> {
    let n = points.len();
    if n <= MOST {
        return points;
    }
    // The pivot's is one of them.
    let kept = MOST - 1;
    let mut wanted: Vec<usize> = (0..kept).map(|i| i * (n - 1) / (kept - 1)).collect();
    wanted.extend(points.iter().position(|point| point.pivot));
    wanted.sort_unstable();
    wanted.dedup();
    wanted.into_iter().filter_map(|i| points.get(i).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_curves_keep_their_ends_and_the_pivot() {
        let points = |n: usize, pivot: usize| -> Vec<Point> {
            let point = |i: usize| Point { x: i as f64, y: 0.0, deviation: 0.0, pivot: i == pivot };
            (0..n).map(point).collect()
        };
        assert_eq!(thin(points(100, 3)).len(), 100);
        for (n, pivot) in [(101, 50), (499, 201), (10_000, 4_321)] {
            let thin = thin(points(n, pivot));
            assert!(thin.len() <= MOST && thin.len() >= MOST - 1, "{n}: {}", thin.len());
            assert_eq!((thin[0].x, thin[thin.len() - 1].x), (0.0, (n - 1) as f64));
            assert_eq!(thin.iter().filter(|point| point.pivot).count(), 1);
            assert!(thin.windows(2).all(|pair| pair[0].x < pair[1].x));
        }
    }
}
