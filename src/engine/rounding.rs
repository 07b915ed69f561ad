//! Whether a device's float addition rounds to nearest even, as the exact replay needs (perturbation-stream, Exact replay). WGSL
//! promises no rounding mode.

use crate::device::{Device, DeviceError, as_f32};
use crate::kernels::replay::{Exact, Probe, Target};
use crate::kernels::replaying;
use crate::ledger::apply_exact;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

const WEIGHTS: u32 = 512;
const SEED: u64 = 0x7e57_0f71_e5e5_0001;
/// The sum of one sign is 2^-10.
const SCALE_EXP: i32 = 10;

/// Weights whose unit in the last place is twice the step of a sign.
fn weights() -> Vec<f32> {
    let unit = 2f32.powi(-SCALE_EXP);
    let sign = |i: u32| if i.is_multiple_of(3) { -1.0 } else { 1.0 };
    (0..WEIGHTS).map(|i| sign(i) * (16_777_216 + 2 * i) as f32 * unit).collect()
}

/// How a device replays exactly: adds signs to weights whose unit in the last place is twice as large, so that each sum is a tie.
pub fn exact_replay(device: &mut dyn Device) -> Result<Exact, DeviceError> {
    let weights = weights();
    let mut expected = weights.clone();
    apply_exact(&mut expected, Distribution::Rademacher, &[SEED], &[1], SCALE_EXP);
    for soft_add in [false, true] {
        let how = Exact { soft_add, ..Exact::of(device.info()) };
        if replayed(device, &weights, how)? == expected {
            return Ok(how);
        }
    }
    let adapter = device.info().name.clone();
    Err(DeviceError::Unfit { adapter, why: "its integer arithmetic does not replay a seed ledger".to_owned() })
}

fn replayed(device: &mut dyn Device, weights: &[f32], how: Exact) -> Result<Vec<f32>, DeviceError> {
    let bytes = size_of_val(weights) as u64;
    let target = device.create_buffer("rounding check", bytes)?;
    let probes = device.create_buffer("rounding check", 16)?;
    let mut recording = Recording::new();
    recording.upload(target, 0, weights);
    recording.upload(probes, 0, &[Probe::exact(SEED, 1)]);
    let target = Target { probes, count: 1, weights: target, offset: 0, first: 0, params: WEIGHTS };
    replaying::record_exact(&mut recording, Distribution::Rademacher, &target, SCALE_EXP, how);
    recording.read_back(Span::of(target.weights, bytes));
    let read = device.run(&recording);
    device.destroy_buffer(target.weights);
    device.destroy_buffer(probes);
    Ok(as_f32(&read?.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;

    #[test]
    fn the_twins_round_to_nearest_even() {
        assert!(!exact_replay(&mut ReferenceDevice::new(None)).unwrap().soft_add);
    }

    #[test]
    fn ties_go_both_ways() {
        let weights = weights();
        let mut after = weights.clone();
        apply_exact(&mut after, Distribution::Rademacher, &[SEED], &[1], SCALE_EXP);
        let moved = weights.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!(moved > 100 && moved < WEIGHTS as usize - 100, "{moved} of {WEIGHTS} weights moved");
    }
}
