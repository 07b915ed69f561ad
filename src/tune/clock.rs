//! Timing the ways of one product against each other, no longer than it takes to know which of them is the fastest.

use crate::device::{Device, DeviceError};
use crate::kernels::madd;
use crate::recording::{Recording, Span};

/// Seconds of a first comparison of ways, and of each run of the last one, where a single run takes less.
const FIRST: f64 = 0.001;
const LAST: f64 = 0.003;
/// A way that takes so many times as long as the fastest in its only run is out.
const FAR: f64 = 2.0;
/// One that takes so many times as long in the first comparison is not in the last.
const NEAR: f64 = 1.15;
/// Runs of each way in the last comparison, in turn.
const RUNS: usize = 3;

/// Seconds of a way that is compared with others: `least` is the fastest's so far.
///
/// # Errors
/// Of the device.
pub fn first(device: &mut dyn Device, rec: &Recording, least: f64) -> Result<f64, DeviceError> {
    let once = device.time(rec)?;
    if once > FAR * least || once > FIRST {
        return Ok(once);
    }
    repeated(device, rec, once, FIRST)
}

/// Compares those that were near the fastest once more, in turn, so that whatever changes the device's speed meanwhile falls on all of them. Sets
/// their seconds.
///
/// # Errors
/// Of the device.
pub fn last(device: &mut dyn Device, recs: &[&Recording], seconds: &mut [f64]) -> Result<(), DeviceError> {
    let least = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let near: Vec<usize> = (0..recs.len()).filter(|&i| seconds[i] <= NEAR * least).collect();
    if near.len() < 2 {
        return Ok(());
    }
    let before = seconds.to_vec();
    near.iter().for_each(|&i| seconds[i] = f64::INFINITY);
    for _ in 0..RUNS {
        for &i in &near {
            seconds[i] = seconds[i].min(repeated(device, recs[i], before[i], LAST)?);
        }
    }
    Ok(())
}

/// Seconds of a recording that takes about `once`, from as many repetitions as take `long`.
fn repeated(device: &mut dyn Device, rec: &Recording, once: f64, long: f64) -> Result<f64, DeviceError> {
    let repetitions = (long / once.max(1e-7)).clamp(1.0, 200.0) as u32;
    let mut all = Recording::new();
    (0..repetitions).for_each(|_| all.append(rec.clone()));
    Ok(device.time(&all)? / f64::from(repetitions))
}

/// Keeps a card busy until it is as fast as it gets: one that has waited runs at a low clock at first.
///
/// # Errors
/// Of the device.
pub fn warm(device: &mut dyn Device, out: Span) -> Result<(), DeviceError> {
    if device.info().kind.is_software() {
        return Ok(());
    }
    let mut rec = Recording::new();
    let groups = (out.bytes / 256).clamp(1, 4096) as u32;
    madd::record(&mut rec, out, groups, 2000);
    let (mut least, mut calm, mut spent) = (f64::INFINITY, 0, 0.0);
    // As fast as before, several times in a row; half a second must do.
    while calm < 5 && spent < 0.5 {
        let seconds = device.time(&rec)?;
        calm = if seconds < 0.98 * least { 0 } else { calm + 1 };
        least = least.min(seconds);
        spent += seconds.max(1e-4);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;
    use crate::kernels::fill_constant;

    #[test]
    fn only_those_near_the_fastest_are_compared_again() {
        let mut device = ReferenceDevice::new(None);
        let buffer = device.create_buffer("values", 4096).unwrap();
        let rec = |values: u64| {
            let mut rec = Recording::new();
            fill_constant::record(&mut rec, Span::of(buffer, 4 * values), 1.0);
            rec
        };
        let (long, short) = (rec(1024), rec(16));
        let recs = [&short, &long, &short];
        let mut seconds = [5.0, 7.0, 5.2];
        last(&mut device, &recs, &mut seconds).unwrap();
        assert!(seconds[0] < 1.0 && seconds[2] < 1.0 && seconds[1] == 7.0, "{seconds:?}");
        // One that stands alone needs no second comparison.
        let mut seconds = [5.0, 7.0];
        last(&mut device, &recs[..2], &mut seconds).unwrap();
        assert_eq!(seconds, [5.0, 7.0]);
    }
}
