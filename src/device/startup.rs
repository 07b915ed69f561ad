//! Checks that an adapter passes before it is used: a tier above `core` must give the core tier's products.

use super::{Device, DeviceError, as_f32};
use crate::device::ReferenceDevice;
use crate::kernels::linear;
use crate::kernels::params::{Lane, Lanes};
use crate::kernels::tiling::{Operands, Product, Tiling};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

const INPUTS: u32 = 36;
const OUTPUTS: u32 = 9;
const ROWS: u32 = 11;

/// Whether a small perturbed linear layer, which goes through the tier's shuffles and its 64-bit products, agrees with the CPU twin.
pub(super) fn products_agree(device: &mut dyn Device) -> Result<bool, DeviceError> {
    let how = Product::by_shuffles(Tiling::of(device.info()), Some(Distribution::Rademacher));
    let ours = layer(device, &how)?;
    let twin = layer(&mut ReferenceDevice::new(None), &how)?;
    // Values below 1 in magnitude: the sum of INPUTS products and a bias rounds INPUTS + 1 times, each by at most 2^-24 of INPUTS.
    let tolerance = (INPUTS + 1) as f32 * INPUTS as f32 * f32::EPSILON;
    Ok(ours.len() == twin.len() && ours.iter().zip(&twin).all(|(a, b)| (a - b).abs() <= tolerance))
}

fn layer(device: &mut dyn Device, how: &Product) -> Result<Vec<f32>, DeviceError> {
    let count = INPUTS * OUTPUTS + OUTPUTS;
    let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
    let values = |n: u32, from: u32| (from..from + n).map(value).collect::<Vec<f32>>();
    let mut make =
        |n: u32| device.create_buffer("start-up check", u64::from(n) * 4).map(|b| Span::of(b, u64::from(n) * 4));
    let (weights, x, y, table) = (make(count)?, make(ROWS * INPUTS)?, make(ROWS * OUTPUTS)?, make(8)?);
    let lane = [Lane { seed_lo: 0x9abc_def0, seed_hi: 0x1234_5678, coef: 0.25, rows: ROWS, ..Lane::default() }];
    let mut recording = Recording::new();
    recording.upload(table.buffer, 0, &lane);
    recording.upload(weights.buffer, 0, &values(count, 1));
    recording.upload(x.buffer, 0, &values(ROWS * INPUTS, 7_919));
    let (bias_offset, from_batch) = (INPUTS * OUTPUTS, 1);
    let params = linear::Params {
        inputs: INPUTS,
        outputs: OUTPUTS,
        weight_offset: 0,
        bias_offset,
        from_batch,
        activation: linear::NONE,
    };
    linear::record(&mut recording, &Lanes::new(table, &lane), how, &params, &Operands { weights, x, y }, None);
    recording.read_back(y);
    let result = device.run(&recording)?;
    for span in [weights, x, y, table] {
        device.destroy_buffer(span.buffer);
    }
    Ok(as_f32(&result.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_device_agrees() {
        let mut device = crate::device::testing::device();
        assert!(products_agree(device.as_mut()).unwrap());
    }

    #[test]
    fn another_seed_or_weight_is_noticed() {
        let how = Product::by_shuffles(Tiling::CORE, Some(Distribution::Rademacher));
        let right = layer(&mut ReferenceDevice::new(None), &how).unwrap();
        let plain = layer(&mut ReferenceDevice::new(None), &Product { perturbed: None, ..how }).unwrap();
        let tolerance = (INPUTS + 1) as f32 * INPUTS as f32 * f32::EPSILON;
        assert!(right.iter().zip(&plain).any(|(a, b)| (a - b).abs() > tolerance));
    }
}
