//! Timing: how often, in turn, and what the times come to.

use std::time::Instant;

use crate::device::{Device, DeviceError};
use crate::recording::Recording;

/// How often a workload runs.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// Runs before any is timed.
    pub warm_up: u32,
    /// Timed runs, at least; of workloads that take long, three or as many as four times `seconds` hold.
    pub least: u32,
    /// Timed runs, at most.
    pub most: u32,
    /// Between these bounds: until this many seconds are spent.
    pub seconds: f64,
}

/// How often over `seconds` a workload may take for its least runs.
const PATIENCE: f64 = 4.0;

/// Timed runs of a workload, however long it takes.
const FEW: u32 = 3;

impl Default for Repeats {
    fn default() -> Self {
        Self { warm_up: 3, least: 15, most: 100, seconds: 1.0 }
    }
}

impl Repeats {
    /// A few, for a rate that is only a measure for others.
    pub fn few() -> Self {
        Self { warm_up: 1, least: 3, most: 3, seconds: 0.0 }
    }
}

/// The median time of a recording.
pub fn median_seconds(device: &mut dyn Device, rec: &Recording, repeats: &Repeats) -> Result<f64, DeviceError> {
    let times = in_turn(1, repeats, |_| device.time(rec))?;
    Ok(times.first().map_or(f64::NAN, |times| median(times)))
}

/// Times `count` workloads in turn, so that whatever else the machine does falls on all of them alike.
pub fn in_turn<E>(
    count: usize,
    repeats: &Repeats,
    mut once: impl FnMut(usize) -> Result<f64, E>,
) -> Result<Vec<Vec<f64>>, E> {
    let start = Instant::now();
    let spent = |start: Instant| start.elapsed().as_secs_f64() / count.max(1) as f64;
    for round in 0..repeats.warm_up {
        // What takes long is warm after one run.
        if round > 0 && spent(start) > repeats.seconds {
            break;
        }
        for i in 0..count {
            once(i)?;
        }
    }
    let mut times = vec![Vec::new(); count];
    let (least, most) = (repeats.least.max(1), repeats.most);
    let start = Instant::now();
    let mut rounds = 0;
    while (rounds < least && (rounds < FEW || spent(start) < PATIENCE * repeats.seconds))
        || (rounds < most && spent(start) < repeats.seconds)
    {
        for (i, times) in times.iter_mut().enumerate() {
            times.push(once(i)?);
        }
        rounds += 1;
    }
    Ok(times)
}

/// The middle of the times, or the mean of the two in the middle.
pub fn median(times: &[f64]) -> f64 {
    quantile(times, 0.5)
}

/// The time that a share of the runs stays below, between neighbours by distance.
pub fn quantile(times: &[f64], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |i: usize| sorted.get(i).copied().unwrap_or_default();
    let (low, high) = (at(place.floor() as usize), at(place.ceil() as usize));
    // A clock may be too coarse for a tiny workload.
    (low + (high - low) * place.fract()).max(1e-9)
}

/// The standard deviation of the runs; of a single one 0.
pub fn deviation(times: &[f64]) -> f64 {
    let n = times.len() as f64;
    let mean = times.iter().sum::<f64>() / n;
    let squares: f64 = times.iter().map(|t| (t - mean).powi(2)).sum();
    if times.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[3.0, 1.0, 2.0, 8.0]), 2.5);
    }

    #[test]
    fn spread_of_runs() {
        let times = [1.0, 2.0, 3.0, 4.0, 10.0];
        assert_eq!((quantile(&times, 0.25), quantile(&times, 0.75)), (2.0, 4.0));
        // Mean 4, squares 9 + 4 + 1 + 0 + 36 = 50, of four.
        assert_eq!(deviation(&times), 12.5f64.sqrt());
        assert_eq!(deviation(&[2.0]), 0.0);
    }

    #[test]
    fn what_takes_long_runs_three_times() {
        let repeats = Repeats { warm_up: 3, least: 15, most: 100, seconds: 0.001 };
        let mut runs = 0;
        let times = in_turn(1, &repeats, |_| {
            runs += 1;
            std::thread::sleep(std::time::Duration::from_millis(5));
            Ok::<_, ()>(0.005)
        });
        assert_eq!((times.unwrap()[0].len(), runs), (3, 4));
    }

    #[test]
    fn workloads_take_turns() {
        let repeats = Repeats { warm_up: 1, least: 2, most: 2, seconds: 0.0 };
        let mut order = Vec::new();
        let times = in_turn(2, &repeats, |i| {
            order.push(i);
            Ok::<_, ()>(order.len() as f64)
        });
        assert_eq!(order, [0, 1, 0, 1, 0, 1]);
        assert_eq!(times, Ok(vec![vec![3.0, 5.0], vec![4.0, 6.0]]));
    }
}
